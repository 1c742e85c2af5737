//! The `.imx` container.
