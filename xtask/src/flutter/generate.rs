//! Dart's raw layer from a header: names, types and documentation as C has them, and no more.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context as _, Result};

use super::header::{Constant, Field, Function, Header, Struct};

/// The Dart library of a header that lies at `path`. Types of `known`, another header, are imported
/// from the library `known_in`.
pub(super) fn dart(
    header: &Header,
    class: &str,
    path: &str,
    known: Option<(&Header, &str)>,
) -> Result<String> {
    let types = Types::new(header, known.map(|(header, _)| header));
    let mut text = format!(
        "// Generated from {path} by `cargo xtask bindings flutter --generate`; changes belong there.\n\
         // ignore_for_file: camel_case_types, constant_identifier_names, non_constant_identifier_names\n\
         // ignore_for_file: lines_longer_than_80_chars, public_member_api_docs\n\n\
         import 'dart:ffi';\n"
    );
    if let Some((_, library)) = known {
        let _ = write!(text, "\nimport '{library}';\n");
    }
    for values in &header.enums {
        text.push('\n');
        docs(&mut text, &values.named.docs, "");
        let _ = writeln!(
            text,
            "typedef {} = {};",
            values.named.name,
            native_of(&values.of)?
        );
        for value in &values.values {
            constant(&mut text, value);
        }
    }
    for number in &header.numbers {
        constant(&mut text, number);
    }
    for handle in &header.opaque {
        text.push('\n');
        docs(&mut text, &handle.docs, "");
        let _ = writeln!(text, "final class {} extends Opaque {{}}", handle.name);
    }
    for callback in &header.callbacks {
        text.push('\n');
        docs(&mut text, &callback.named.docs, "");
        let _ = writeln!(
            text,
            "typedef {} = Pointer<NativeFunction<{}>>;",
            callback.named.name,
            types.signature(callback, Side::Native)?
        );
    }
    for one in &header.structs {
        structure(&mut text, one, &types)?;
    }
    let _ = writeln!(
        text,
        "\n/// The functions of a library, each looked up at its first use.\nfinal class {class} {{\n  \
         /// Functions of `library`.\n  {class}(this._library);\n\n  final DynamicLibrary _library;"
    );
    for function in &header.functions {
        let name = &function.named.name;
        text.push('\n');
        docs(&mut text, &function.named.docs, "  ");
        let native = types.signature(function, Side::Native)?;
        let _ = writeln!(
            text,
            "  late final {name} = _library.lookupFunction<\n      {native},\n      {}>('{name}');",
            types.signature(function, Side::Dart)?
        );
        if frees(function) {
            let _ = writeln!(
                text,
                "\n  /// The address of [{name}], for a finalizer.\n  late final Pointer<NativeFinalizerFunction> {name}_pointer =\n      \
                 _library.lookup<NativeFinalizerFunction>('{name}');"
            );
        }
    }
    text.push_str("}\n");
    Ok(text)
}

/// Whether a function ends what its only argument points to.
fn frees(function: &Function) -> bool {
    let ends = ["_destroy", "_release", "_abandon", "_free"];
    function.parameters.len() == 1 && ends.iter().any(|end| function.named.name.ends_with(end))
}

fn structure(text: &mut String, one: &Struct, types: &Types<'_>) -> Result<()> {
    text.push('\n');
    docs(text, &one.named.docs, "");
    let _ = writeln!(text, "final class {} extends Struct {{", one.named.name);
    for (index, field) in one.fields.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        docs(text, &field.named.docs, "  ");
        let (annotation, dart) = types.field(field)?;
        if let Some(annotation) = annotation {
            let _ = writeln!(text, "  @{annotation}");
        }
        let _ = writeln!(text, "  external {dart} {};", field.named.name);
    }
    text.push_str("}\n");
    Ok(())
}

fn constant(text: &mut String, constant: &Constant) {
    text.push('\n');
    docs(text, &constant.named.docs, "");
    let _ = writeln!(
        text,
        "const int {} = {};",
        constant.named.name, constant.value
    );
}

fn docs(text: &mut String, lines: &[String], indent: &str) {
    for line in lines {
        // Brackets would be links in Dart's documentation, and the header's are ranges of numbers.
        let line = line.replace('[', "\\[");
        let _ = writeln!(text, "{}", format!("{indent}/// {line}").trim_end());
    }
}

/// One of a function's two types.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Native,
    Dart,
}

/// Names that a type may have.
struct Types<'a> {
    integers: Vec<(&'a str, &'a str)>,
    pointed: BTreeSet<&'a str>,
    callbacks: BTreeSet<&'a str>,
}

impl<'a> Types<'a> {
    fn new(header: &'a Header, known: Option<&'a Header>) -> Self {
        let all = || [Some(header), known].into_iter().flatten();
        let integers = all().flat_map(|h| &h.enums);
        let opaque = all().flat_map(|h| &h.opaque).map(|o| o.name.as_str());
        let structs = all()
            .flat_map(|h| &h.structs)
            .map(|s| s.named.name.as_str());
        Self {
            integers: integers
                .map(|e| (e.named.name.as_str(), e.of.as_str()))
                .collect(),
            pointed: opaque.chain(structs).collect(),
            callbacks: all()
                .flat_map(|h| &h.callbacks)
                .map(|c| c.named.name.as_str())
                .collect(),
        }
    }

    /// `Int32 Function(Pointer<X> x, Size count)`
    fn signature(&self, function: &Function, side: Side) -> Result<String> {
        let parameters = function
            .parameters
            .iter()
            .map(|p| Ok(format!("{} {}", self.named(&p.of, side)?, p.named.name)))
            .collect::<Result<Vec<_>>>()
            .with_context(|| function.named.name.clone())?;
        Ok(format!(
            "{} Function({})",
            self.named(&function.result, side)?,
            parameters.join(", ")
        ))
    }

    /// A field's annotation and its type.
    fn field(&self, field: &Field) -> Result<(Option<String>, String)> {
        let native = self.named(&field.of, Side::Native)?;
        Ok(match field.count {
            Some(count) => (Some(format!("Array({count})")), format!("Array<{native}>")),
            None if native.starts_with("Pointer") || self.callbacks.contains(native.as_str()) => {
                (None, native)
            }
            None => (
                Some(format!("{native}()")),
                self.named(&field.of, Side::Dart)?,
            ),
        })
    }

    fn named(&self, of: &str, side: Side) -> Result<String> {
        if let Some(pointed) = of.strip_suffix('*') {
            let pointed = pointed.trim_end();
            let inner = match pointed {
                "void" => "Void".to_owned(),
                _ => self.named(pointed, Side::Native)?,
            };
            return Ok(format!("Pointer<{inner}>"));
        }
        if self.pointed.contains(of) || self.callbacks.contains(of) {
            return Ok(of.to_owned());
        }
        if of == "void" {
            let name = if side == Side::Native { "Void" } else { "void" };
            return Ok(name.to_owned());
        }
        let integer = self.integers.iter().find(|(name, _)| *name == of);
        let native = native_of(integer.map_or(of, |(_, of)| of))?;
        Ok(match side {
            Side::Native => native.to_owned(),
            Side::Dart if matches!(native, "Float" | "Double") => "double".to_owned(),
            Side::Dart => "int".to_owned(),
        })
    }
}

fn native_of(of: &str) -> Result<&'static str> {
    Ok(match of {
        "char" => "Char",
        "int16_t" => "Int16",
        "int32_t" => "Int32",
        "int64_t" => "Int64",
        "uint8_t" => "Uint8",
        "uint32_t" => "Uint32",
        "uint64_t" => "Uint64",
        "size_t" => "Size",
        "float" => "Float",
        "double" => "Double",
        other => anyhow::bail!("the type `{other}` is not known"),
    })
}
