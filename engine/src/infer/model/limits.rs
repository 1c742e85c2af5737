//! The limits of a network's size. `docs/limits.md` has the same numbers, and a test compares them.
//! The studio's largest networks need an eighth of the elements and products.

/// Versions of the file format (`ir_version`).
pub(super) const IR_VERSIONS: std::ops::RangeInclusive<i64> = 7..=10;

/// Versions of the standard operators. What the listed operators mean is the same in all of them.
pub(super) const OPSET_VERSIONS: std::ops::RangeInclusive<i64> = 13..=17;

/// The version of the quantised operators, domain `com.microsoft`.
pub(super) const QUANTISED_VERSION: i64 = 1;

/// Nodes of the graph.
pub(super) const NODES: usize = 1024;

/// Tensors with a name: inputs, weights and results of nodes.
pub(super) const TENSORS: usize = 4096;

/// Inputs of a node.
pub(super) const NODE_INPUTS: usize = 16;

/// Outputs of a node.
pub(super) const NODE_OUTPUTS: usize = 16;

/// Attributes of a node.
pub(super) const NODE_ATTRIBUTES: usize = 16;

/// Numbers in an attribute's list.
pub(super) const ATTRIBUTE_NUMBERS: usize = 16;

/// Bytes of a tensor's or node's name.
pub(super) const NAME_BYTES: usize = 512;

/// Axes of a tensor.
pub(super) const RANK: usize = 6;

/// Elements of a tensor for one item of the batch, and so of each axis. It holds for the matrix of
/// columns that a convolution is unrolled into, too.
pub(super) const TENSOR_ELEMENTS: usize = 1 << 23;

/// Elements of all results of nodes together, for one item of the batch.
pub(super) const ACTIVATION_ELEMENTS: u64 = 1 << 24;

/// Elements of all weights together.
pub(super) const WEIGHT_ELEMENTS: u64 = 1 << 24;

/// Products that are summed in one run, for one item of the batch.
pub(super) const MULTIPLY_ADDS: u64 = 1 << 29;

/// Elements of a tensor of sizes, such as the shape that Reshape takes.
pub(super) const SIZES: usize = 64;

/// The factor by which Resize enlarges an axis.
pub(super) const SCALE: usize = 8;

#[cfg(test)]
mod tests {
    use crate::imx::limits as container;
    use crate::infer::model::operators::OPERATORS;

    const PAGE: &str = include_str!("../../../../docs/limits.md");

    /// The table's row of a constant: its number.
    fn row(constant: &str) -> Option<u64> {
        let begin = format!("| `{constant}` | ");
        let rest = PAGE.lines().find_map(|line| line.strip_prefix(&begin))?;
        rest.split(' ').next()?.parse().ok()
    }

    /// Constants of a source file, by name: one a line, `const NAME: TYPE = VALUE;`.
    fn constants(source: &str) -> Vec<(&str, u64)> {
        let value = |text: &str| -> Option<u64> {
            match text.split_once(" << ") {
                Some((number, shift)) => {
                    Some(number.parse::<u64>().ok()? << shift.parse::<u32>().ok()?)
                }
                None if text == "1e5" => Some(100_000),
                None => text.replace('_', "").parse().ok(),
            }
        };
        source
            .lines()
            .filter_map(|line| line.trim_start().split_once("const ")?.1.split_once(": "))
            .filter_map(|(name, rest)| {
                Some((name, value(rest.split_once(" = ")?.1.strip_suffix(';')?)?))
            })
            .collect()
    }

    #[test]
    fn the_documents_table_has_every_limit_and_no_other() {
        let of_container = constants(include_str!("../../imx/limits.rs"));
        let of_networks = constants(include_str!("limits.rs"));
        assert!(of_container.contains(&("MAX_NETWORK_BYTES", container::MAX_NETWORK_BYTES)));
        assert!(of_networks.contains(&("MULTIPLY_ADDS", super::MULTIPLY_ADDS)));
        let all: Vec<_> = of_container.into_iter().chain(of_networks).collect();
        for &(name, value) in all.iter().filter(|(name, _)| *name != "QUANTISED_VERSION") {
            assert_eq!(row(name), Some(value), "{name} in docs/limits.md");
        }
        let rows = PAGE
            .lines()
            .filter(|line| line.starts_with("| `") && line.matches('|').count() == 4);
        assert_eq!(rows.count(), all.len() - 1, "rows in docs/limits.md");
    }

    #[test]
    fn the_documents_list_has_every_operator_and_no_other() {
        let rows = PAGE
            .split("| operators | inputs |")
            .nth(1)
            .expect("the table is there");
        let rows = rows
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
        let mut listed: Vec<_> = rows
            .flat_map(|row| row.split(['`', ' ']))
            .filter(|name| !name.is_empty() && *name != super::super::operators::QUANTISED)
            .collect();
        listed.sort_unstable();
        let mut allowed: Vec<_> = OPERATORS.iter().map(|rule| rule.name).collect();
        allowed.sort_unstable();
        assert_eq!(listed, allowed);
    }

    #[test]
    fn the_documents_versions_are_those_that_are_read() {
        let (ir, opset) = (super::IR_VERSIONS, super::OPSET_VERSIONS);
        let line = format!(
            "`ir_version` {} to {}, opset {} to {}, and version {}",
            ir.start(),
            ir.end(),
            opset.start(),
            opset.end(),
            super::QUANTISED_VERSION
        );
        assert!(PAGE.contains(&line), "{line}");
    }
}
