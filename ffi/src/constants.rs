//! The macro that defines C's enumerations.

/// Defines an integer type with named values. The header gets them as an anonymous enumeration.
macro_rules! constants {
    (
        $(#[$doc:meta])*
        $name:ident: $repr:ty { $( $(#[$value_doc:meta])* $value:ident = $number:expr, )* }
    ) => {
        $(#[$doc])*
        pub type $name = $repr;
        $( $(#[$value_doc])* pub const $value: $name = $number; )*
    };
}

pub(crate) use constants;
