//! The macros of `ffi/`, read.

use std::fmt::Write as _;

use anyhow::{Result, bail};
use quote::{ToTokens as _, quote};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Block, Expr, FnArg, Ident, Item, ItemStruct, ReturnType, Token, Type};

/// The sources that have been read so far.
#[derive(Default)]
pub(super) struct Source {
    /// Plain Rust for cbindgen.
    pub(super) rust: String,
    pub(super) constants: Vec<Constants>,
    /// `#define`s.
    pub(super) init_macros: String,
    structs: Vec<ItemStruct>,
}

/// An integer type with named values.
pub(super) struct Constants {
    pub(super) docs: Vec<String>,
    pub(super) name: String,
    pub(super) c_type: &'static str,
    pub(super) values: Vec<Value>,
}

/// One of the values.
pub(super) struct Value {
    pub(super) docs: Vec<String>,
    pub(super) name: String,
    pub(super) number: String,
}

impl Source {
    /// Reads one file.
    pub(super) fn add(&mut self, text: &str) -> Result<()> {
        for item in syn::parse_file(text)?.items {
            match item {
                Item::Macro(item) => {
                    let tokens = item.mac.tokens;
                    let name = item.mac.path.require_ident()?.to_string();
                    match name.as_str() {
                        "export" => self.export(syn::parse2(tokens)?)?,
                        "opaque" => self.opaque(&syn::parse2(tokens)?)?,
                        "constants" => self.constants.push(syn::parse2(tokens)?),
                        "sized" => self.init_macro(&syn::parse2(tokens)?)?,
                        _ => {}
                    }
                }
                Item::Struct(item) if is_repr_c(&item.attrs) => {
                    documented(&item.attrs, &item.ident)?;
                    for field in &item.fields {
                        let name = field.ident.as_ref().unwrap_or(&item.ident);
                        documented(&field.attrs, name)?;
                    }
                    let mut plain = item.clone();
                    plain.attrs.retain(|a| !a.path().is_ident("derive"));
                    self.emit(&plain.to_token_stream());
                    self.structs.push(item);
                }
                Item::Type(item) if item.ident.to_string().starts_with("essence_") => {
                    documented(&item.attrs, &item.ident)?;
                    self.emit(&item.to_token_stream());
                }
                Item::Const(item) if item.ident.to_string().starts_with("ESSENCE_") => {
                    documented(&item.attrs, &item.ident)?;
                    self.emit(&item.to_token_stream());
                }
                _ => {}
            }
        }
        if self.init_macros.is_empty() && self.structs.iter().any(|s| s.ident == "essence_error") {
            self.init_macros =
                "/**\n * An essence_error to begin with.\n */\n#define ESSENCE_ERROR_INIT \
                                { sizeof(essence_error), ESSENCE_OK, { 0 } }\n\n"
                    .to_owned();
        }
        Ok(())
    }

    fn emit(&mut self, tokens: &proc_macro2::TokenStream) {
        let _ = writeln!(self.rust, "{tokens}");
    }

    fn export(&mut self, export: Export) -> Result<()> {
        let Export {
            attrs,
            name,
            mut args,
            result,
            fallible,
        } = export;
        let docs = documented(&attrs, &name)?;
        let says = |what: &str| docs.iter().any(|line| line.trim_start().starts_with(what));
        if !says("Threads: ") || (fallible && !says("Fails with")) {
            bail!("{name} does not say `Threads:` or `Fails with:`");
        }
        if fallible {
            args.push(syn::parse_quote!(err: *mut essence_error));
        }
        self.emit(&quote! {
            #(#attrs)*
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn #name(#args) #result {}
        });
        Ok(())
    }

    fn opaque(&mut self, opaque: &Opaque) -> Result<()> {
        let Opaque { attrs, name } = opaque;
        documented(attrs, name)?;
        self.emit(&quote! { #(#attrs)* pub struct #name { hidden: u8 } });
        Ok(())
    }

    /// The defaults as a C initialiser: values in the order of the fields, zero or NULL where the
    /// default is not a constant of the header.
    fn init_macro(&mut self, sized: &Defaults) -> Result<()> {
        let name = sized.name.to_string();
        let Some(item) = self.structs.iter().find(|s| s.ident == sized.name) else {
            bail!("sized!({name}) stands before the struct");
        };
        let mut values = vec![format!("sizeof({name})")];
        for field in item.fields.iter().skip(1) {
            let Some((_, value)) = sized
                .fields
                .iter()
                .find(|(ident, _)| Some(ident) == field.ident.as_ref())
            else {
                bail!("sized!({name}) lacks a field");
            };
            values.push(c_value(value, &field.ty)?);
        }
        let _ = writeln!(
            self.init_macros,
            "/**\n * An {name} to begin with.\n */\n#define {}_INIT \\\n    {{ {} }}\n",
            name.to_uppercase(),
            values.join(", ")
        );
        Ok(())
    }
}

/// `export! { docs fn name(args) -> result [, on panic value,] { body } }`
struct Export {
    attrs: Vec<Attribute>,
    name: Ident,
    args: Punctuated<FnArg, Token![,]>,
    result: ReturnType,
    fallible: bool,
}

impl Parse for Export {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        input.parse::<Token![fn]>()?;
        let name = input.parse()?;
        let parenthesised;
        syn::parenthesized!(parenthesised in input);
        let args = Punctuated::parse_terminated(&parenthesised)?;
        let result = input.parse()?;
        let fallible = !input.peek(Token![,]);
        if !fallible {
            input.parse::<Token![,]>()?;
            input.parse::<Ident>()?;
            input.parse::<Ident>()?;
            input.parse::<Expr>()?;
            input.parse::<Token![,]>()?;
        }
        input.parse::<Block>()?;
        Ok(Self {
            attrs,
            name,
            args,
            result,
            fallible,
        })
    }
}

/// `opaque! { docs name(value) }`
struct Opaque {
    attrs: Vec<Attribute>,
    name: Ident,
}

impl Parse for Opaque {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let name = input.parse()?;
        let value;
        syn::parenthesized!(value in input);
        value.parse::<Type>()?;
        Ok(Self { attrs, name })
    }
}

impl Parse for Constants {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let name: Ident = input.parse()?;
        input.parse::<Token![:]>()?;
        let c_type = match input.parse::<Ident>()?.to_string().as_str() {
            "i32" => "int32_t",
            "u32" => "uint32_t",
            _ => return Err(input.error("constants are i32 or u32")),
        };
        let braced;
        syn::braced!(braced in input);
        let values = Punctuated::<Value, Token![,]>::parse_terminated(&braced)?;
        Ok(Self {
            docs: docs(&attrs),
            name: name.to_string(),
            c_type,
            values: values.into_iter().collect(),
        })
    }
}

impl Parse for Value {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let name: Ident = input.parse()?;
        input.parse::<Token![=]>()?;
        let number: Expr = input.parse()?;
        let docs = docs(&attrs);
        if docs.is_empty() {
            return Err(syn::Error::new(
                name.span(),
                "a constant without documentation",
            ));
        }
        Ok(Self {
            docs,
            name: name.to_string(),
            number: number.to_token_stream().to_string().replace(' ', ""),
        })
    }
}

/// `sized!(name [, grown by field] { field: value, … })`
struct Defaults {
    name: Ident,
    fields: Vec<(Ident, Expr)>,
}

impl Parse for Defaults {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = input.parse()?;
        if input.parse::<Option<Token![,]>>()?.is_some() {
            for _ in 0..3 {
                input.parse::<Ident>()?;
            }
        }
        let braced;
        syn::braced!(braced in input);
        let mut fields = Vec::new();
        while !braced.is_empty() {
            let field = braced.parse()?;
            braced.parse::<Token![:]>()?;
            fields.push((field, braced.parse()?));
            braced.parse::<Option<Token![,]>>()?;
        }
        Ok(Self { name, fields })
    }
}

/// A default as C says it.
fn c_value(value: &Expr, of: &Type) -> Result<String> {
    if let (Expr::Repeat(repeat), Type::Array(array)) = (value, of) {
        let one = c_value(&repeat.expr, &array.elem)?;
        let count: usize = repeat.len.to_token_stream().to_string().parse()?;
        return Ok(format!("{{ {} }}", vec![one; count].join(", ")));
    }
    let text = value.to_token_stream().to_string();
    Ok(match text.as_str() {
        "ptr :: null ()" | "ptr :: null_mut ()" | "None" => "NULL".to_owned(),
        _ if text.starts_with("ESSENCE_") || text.starts_with(|c: char| c.is_ascii_digit()) => text,
        _ => bail!("the default `{text}` is no constant of the header"),
    })
}

fn is_repr_c(attrs: &[Attribute]) -> bool {
    attrs
        .iter()
        .any(|a| a.path().is_ident("repr") && a.meta.to_token_stream().to_string().contains('C'))
}

fn documented(attrs: &[Attribute], name: &Ident) -> Result<Vec<String>> {
    let docs = docs(attrs);
    if docs.is_empty() {
        bail!("{name} has no documentation");
    }
    Ok(docs)
}

fn docs(attrs: &[Attribute]) -> Vec<String> {
    let mut lines = Vec::new();
    for attr in attrs.iter().filter(|a| a.path().is_ident("doc")) {
        if let syn::Meta::NameValue(pair) = &attr.meta
            && let Expr::Lit(literal) = &pair.value
            && let syn::Lit::Str(text) = &literal.lit
        {
            lines.push(text.value());
        }
    }
    lines
}
