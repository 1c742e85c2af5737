//! Nothing: this crate only pins where `CMakeLists.txt` has its sources from.
