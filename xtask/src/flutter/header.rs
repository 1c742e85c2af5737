//! A C header in the form that cbindgen and [`crate::header`] write, read into what it declares.

use anyhow::{Context as _, Result, bail};

/// All that a header declares, in its order.
#[derive(Default)]
pub(super) struct Header {
    /// Integer types with named values.
    pub(super) enums: Vec<Enum>,
    /// `#define`s of numbers.
    pub(super) numbers: Vec<Constant>,
    /// Handles: structs without fields.
    pub(super) opaque: Vec<Named>,
    /// Function pointers: `result` and `parameters` as of functions.
    pub(super) callbacks: Vec<Function>,
    pub(super) structs: Vec<Struct>,
    pub(super) functions: Vec<Function>,
}

/// A name with its documentation, line by line.
pub(super) struct Named {
    pub(super) name: String,
    pub(super) docs: Vec<String>,
}

/// A number with a name.
pub(super) struct Constant {
    pub(super) named: Named,
    pub(super) value: String,
}

/// An integer type and its values.
pub(super) struct Enum {
    pub(super) named: Named,
    /// `int32_t` or `uint32_t`.
    pub(super) of: String,
    pub(super) values: Vec<Constant>,
}

/// A struct with fields.
pub(super) struct Struct {
    pub(super) named: Named,
    pub(super) fields: Vec<Field>,
}

/// A field, or a parameter: its type as C says it, without `const` and `struct`.
pub(super) struct Field {
    pub(super) named: Named,
    /// Such as `uint32_t`, `char *`, `uint8_t *`.
    pub(super) of: String,
    /// Elements of an array.
    pub(super) count: Option<usize>,
}

/// A function, or what a function pointer points to.
pub(super) struct Function {
    pub(super) named: Named,
    pub(super) result: String,
    pub(super) parameters: Vec<Field>,
}

impl Header {
    /// Reads a header.
    pub(super) fn read(text: &str) -> Result<Self> {
        let mut header = Self::default();
        for item in items(text) {
            header
                .add(&item)
                .with_context(|| format!("in the header: {}", item.code))?;
        }
        Ok(header)
    }

    fn add(&mut self, item: &Item) -> Result<()> {
        let code = item.code.as_str();
        if let Some(define) = code.strip_prefix("#define ") {
            let (name, value) = define.split_once(' ').unwrap_or((define, ""));
            if value.parse::<i64>().is_ok() {
                self.numbers.push(Constant {
                    named: item.named(name),
                    value: value.to_owned(),
                });
            }
        } else if let Some(values) = code.strip_prefix("enum {") {
            let last = self.enums.last_mut().context("values without a type")?;
            last.values = constants(values.trim_end_matches(['}', ';']))?;
        } else if let Some(rest) = code.strip_prefix("typedef struct ") {
            self.structure(item, rest)?;
        } else if let Some(rest) = code.strip_prefix("typedef ") {
            let rest = rest.trim_end_matches(';');
            if let Some((result, pointer)) = rest.split_once("(*") {
                let (name, parameters) = pointer
                    .split_once(")(")
                    .context("a callback without parameters")?;
                self.callbacks.push(Function {
                    named: item.named(name),
                    result: plain(result),
                    parameters: parameters_of(parameters.trim_end_matches(')'))?,
                });
            } else {
                let (of, name) = rest.rsplit_once(' ').context("a type without a name")?;
                self.enums.push(Enum {
                    named: item.named(name),
                    of: of.to_owned(),
                    values: Vec::new(),
                });
            }
        } else if let Some((head, parameters)) = code.split_once('(') {
            let (result, name) = split_declarator(head)?;
            self.functions.push(Function {
                named: item.named(name),
                result,
                parameters: parameters_of(parameters.trim_end_matches(");"))?,
            });
        } else {
            bail!("neither a type nor a function nor a number");
        }
        Ok(())
    }

    fn structure(&mut self, item: &Item, rest: &str) -> Result<()> {
        let Some((name, fields)) = rest.split_once(" {") else {
            let name = rest.split(' ').next().unwrap_or(rest);
            self.opaque.push(item.named(name));
            return Ok(());
        };
        let (fields, _) = fields.rsplit_once('}').context("a struct without an end")?;
        let mut read = Vec::new();
        for part in pieces(fields, ';') {
            let declaration = part.code.trim_end_matches(';');
            let mut field = declared(declaration)?;
            field.named.docs = part.docs;
            read.push(field);
        }
        self.structs.push(Struct {
            named: item.named(name),
            fields: read,
        });
        Ok(())
    }
}

/// A declaration, its white space made single, and the comment before it.
struct Item {
    docs: Vec<String>,
    code: String,
}

impl Item {
    fn named(&self, name: &str) -> Named {
        Named {
            name: name.trim().to_owned(),
            docs: self.docs.clone(),
        }
    }
}

/// The declarations of a header, its guards and includes left out.
fn items(text: &str) -> Vec<Item> {
    let text = text.replace("\\\n", " ");
    let mut kept = String::new();
    let mut inside_cpp = false;
    for line in text.lines() {
        if line.starts_with("#ifdef __cplusplus") {
            inside_cpp = true;
        } else if line.starts_with("#endif") {
            inside_cpp = false;
        } else if !(inside_cpp || is_guard(line)) {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    pieces(&kept, ';')
}

/// Whether a line includes a header, or guards this one.
fn is_guard(line: &str) -> bool {
    let empty = line.starts_with("#define") && line.split(' ').count() < 3;
    empty || line.starts_with("#include") || line.starts_with("#ifndef")
}

/// Text cut into what ends with `end` outside of braces, or with its line for the preprocessor.
fn pieces(text: &str, end: char) -> Vec<Item> {
    let (mut found, mut docs, mut code) = (Vec::new(), Vec::new(), String::new());
    let (mut rest, mut depth) = (text, 0_usize);
    while let Some(first) = rest.chars().next() {
        if depth == 0 && code.trim().is_empty() && rest.starts_with("/*") {
            let after = rest.find("*/").map_or(rest.len(), |at| at + 2);
            docs = documentation(&rest[..after]);
            rest = &rest[after..];
            continue;
        }
        let one = first.len_utf8();
        code.push(first);
        rest = &rest[one..];
        match first {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        let directive = code.trim_start().starts_with('#');
        if (directive && first == '\n') || (!directive && first == end && depth == 0) {
            let text = if code.contains('{') && !directive {
                // Comments inside are read with the fields.
                code.trim().to_owned()
            } else {
                code.split_whitespace().collect::<Vec<_>>().join(" ")
            };
            found.push(Item {
                docs: std::mem::take(&mut docs),
                code: text,
            });
            code.clear();
        }
    }
    if !code.trim().is_empty() {
        let code = code.trim().to_owned();
        found.push(Item { docs, code });
    }
    found
}

/// The lines of a comment without its stars.
fn documentation(comment: &str) -> Vec<String> {
    comment
        .lines()
        .map(|line| {
            let line = line.trim().trim_start_matches("/**").trim_end_matches("*/");
            let line = line.trim_start().strip_prefix('*').unwrap_or(line);
            line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned()
        })
        .skip_while(String::is_empty)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .skip_while(String::is_empty)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect()
}

/// `NAME = 1, …` with comments.
fn constants(text: &str) -> Result<Vec<Constant>> {
    pieces(text, ',')
        .iter()
        .map(|item| {
            let (name, value) = item
                .code
                .split_once('=')
                .context("a constant without a value")?;
            Ok(Constant {
                named: item.named(name),
                value: value.trim().trim_end_matches(',').trim().to_owned(),
            })
        })
        .collect()
}

fn parameters_of(text: &str) -> Result<Vec<Field>> {
    if text.trim() == "void" {
        return Ok(Vec::new());
    }
    text.split(',').map(|one| declared(one.trim())).collect()
}

/// `const uint8_t *planes[3]`
fn declared(text: &str) -> Result<Field> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (text, count) = match text.split_once('[') {
        Some((before, after)) => (
            before.to_owned(),
            Some(after.trim_end_matches(']').parse::<usize>()?),
        ),
        None => (text, None),
    };
    let (of, name) = split_declarator(&text)?;
    Ok(Field {
        named: Named {
            name: name.to_owned(),
            docs: Vec::new(),
        },
        of,
        count,
    })
}

/// A declarator's type and name: `const char *path` becomes `char *` and `path`.
fn split_declarator(text: &str) -> Result<(String, &str)> {
    let at = text
        .rfind([' ', '*'])
        .context("a declaration without a name")?;
    Ok((plain(&text[..=at]), &text[at + 1..]))
}

/// A type without `const` and `struct`, its stars after one space: `char * *` becomes `char **`.
fn plain(of: &str) -> String {
    let spaced = of.replace('*', " * ");
    let words: Vec<&str> = spaced
        .split_whitespace()
        .filter(|word| !matches!(*word, "const" | "struct"))
        .collect();
    let stars = words.iter().filter(|word| **word == "*").count();
    let base = words
        .iter()
        .filter(|word| **word != "*")
        .copied()
        .collect::<Vec<_>>()
        .join(" ");
    if stars == 0 {
        base
    } else {
        format!("{base} {}", "*".repeat(stars))
    }
}

#[cfg(test)]
mod tests {
    use super::Header;

    #[test]
    fn a_header_is_read() -> anyhow::Result<()> {
        let header = Header::read(
            "/* file */\n#ifndef X\n#define X\n#include <stdint.h>\n/**\n * Status.\n */\ntypedef int32_t a_status;\n\nenum {\n    \
             /**\n     * Fine.\n     */\n    A_OK = 0,\n    /**\n     * Not, at all.\n     */\n    A_BAD = -1\n};\n\n\
             /**\n * Most.\n */\n#define A_MOST 4\n/** Handle. */\ntypedef struct a_handle a_handle;\n\
             typedef void (*a_fn)(void *user_data, const char *text);\n\
             /** Struct. */\ntypedef struct a_struct {\n  /** Planes. */\n  const uint8_t *planes[3];\n} a_struct;\n\
             #ifdef __cplusplus\nextern \"C\" {\n#endif\n/** Opens. */\na_status a_open(const struct a_handle *const *of,\n  \
             size_t count);\nconst char *a_name(void);\n#endif\n",
        )?;
        assert_eq!(header.enums[0].values[1].value, "-1");
        assert_eq!(header.enums[0].values[1].named.docs, ["Not, at all."]);
        assert_eq!(header.numbers[0].named.name, "A_MOST");
        assert_eq!(header.opaque[0].name, "a_handle");
        assert_eq!(header.callbacks[0].parameters[1].of, "char *");
        let planes = &header.structs[0].fields[0];
        assert_eq!((planes.of.as_str(), planes.count), ("uint8_t *", Some(3)));
        assert_eq!(header.functions[0].parameters[0].of, "a_handle **");
        assert_eq!(header.functions[0].result, "a_status");
        assert!(header.functions[1].parameters.is_empty());
        Ok(())
    }
}
