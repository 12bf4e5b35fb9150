"""Every error that Faltung raises on purpose.

    FaltungError
    ├── ShapeError        (ValueError)       axes, lengths, shapes that do not fit
    ├── ParameterError    (ValueError)       an option outside what it may be
    │   └── BoundaryError                    an unknown or foreign boundary name
    ├── DtypeError        (TypeError)        a kind of number or object that cannot be convolved
    ├── MissingData       (ValueError)       x or kernel hold NaN where none is allowed
    ├── IntegerOverflow   (OverflowError)    an exact integer result does not fit its dtype
    ├── AccuracyError     (ArithmeticError)  a forced method cannot keep the promised error bound
    ├── MethodError       (ValueError)       a forced method refuses this convolution
    ├── FileError         (OSError)          a file that cannot be read or written as asked
    ├── ExpressionError   (ValueError)       a formula outside the allowed arithmetic
    └── MissingDependency (ImportError)      an optional package is not installed

Each is also the builtin named beside it, so `except ValueError` keeps working. A message says what was got,
what is allowed and what to do.
"""


class FaltungError(Exception):
    """The root: catches everything that Faltung raises on purpose."""


class ShapeError(FaltungError, ValueError):
    """Axes, lengths or shapes do not fit each other."""


class ParameterError(FaltungError, ValueError):
    """An option is outside what it may be."""


class BoundaryError(ParameterError):
    """A boundary rule is unknown, or named as another library names it."""


class DtypeError(FaltungError, TypeError):
    """A kind of number, or of object, that cannot be convolved."""


class MissingData(FaltungError, ValueError):
    """x or the kernel hold NaN, and `nan="error"` was asked for."""


class IntegerOverflow(FaltungError, OverflowError):
    """An exact integer result does not fit the dtype of the output."""


class AccuracyError(FaltungError, ArithmeticError):
    """A forced method cannot keep the promised error bound for these data."""


class MethodError(FaltungError, ValueError):
    """A forced method refuses this convolution; the message holds its reason."""


class FileError(FaltungError, OSError):
    """A file cannot be read or written as asked."""


class ExpressionError(FaltungError, ValueError):
    """A formula holds something outside the allowed arithmetic."""


class MissingDependency(FaltungError, ImportError):
    """An optional package is needed and not installed; the message holds the install line."""
