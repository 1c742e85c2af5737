//! Avatars whose containers are sound and whose networks are not: each is refused when it is opened, before
//! ONNX Runtime sees it, by a message that says what is wrong with which network.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeSet;

use common::{engine, testdata};
use essence::ErrorKind;

/// Every file of `testdata/hostile`: the network that is at fault, and what the message says.
#[rustfmt::skip]
const HOSTILE: &[(&str, &str, &str)] = &[
    // Data outside the file.
    ("external_relative", "speech.onnx", "its data is external, in another file"),
    ("external_absolute", "speech.onnx", "its data is external, in another file"),
    ("external_upwards", "speech.onnx", "its data is external, in another file"),
    ("external_in_identity", "identity.onnx", "its data is external, in another file"),
    ("external_in_8_bits", "identity.int8.onnx", "its data is external, in another file"),
    ("external_in_attribute", "speech.onnx", "its data is external, in another file"),
    ("external_in_shape_value", "speech.onnx", "its data is external, in another file"),
    ("external_in_subgraph", "speech.onnx", "it is a subgraph (control flow is not allowed)"),
    ("external_in_sparse", "speech.onnx", "it has sparse initializers, which are not read"),
    ("external_without_location", "speech.onnx", "its data is external, in another file"),
    ("external_location_only", "speech.onnx", "its data is external, in another file"),
    // Programs.
    ("loop_endless", "speech.onnx", "attribute \"body\": it is a subgraph (control flow is not allowed)"),
    ("loop_in_identity", "identity.onnx", "attribute \"body\": it is a subgraph (control flow is not allowed)"),
    ("loop_in_8_bits", "identity.int8.onnx", "attribute \"body\": it is a subgraph (control flow is not allowed)"),
    ("loop_without_body", "speech.onnx", "operator \"Loop\", which makes \"hostile\": the operator is not one"),
    ("scan", "speech.onnx", "attribute \"body\": it is a subgraph (control flow is not allowed)"),
    ("if", "speech.onnx", "it is a subgraph (control flow is not allowed)"),
    ("sequence_map", "speech.onnx", "attribute \"body\": it is a subgraph (control flow is not allowed)"),
    ("deep_nesting", "speech.onnx", "it is a subgraph (control flow is not allowed)"),
    ("functions", "speech.onnx", "it defines functions; a network may use listed operators only"),
    ("functions_recursive", "speech.onnx", "it defines functions; a network may use listed operators only"),
    ("function_overload", "speech.onnx", "it calls a function's overload; functions are not allowed"),
    ("function_attribute", "speech.onnx", "attribute \"axes\": it refers to a function's attribute (functions"),
    ("training", "speech.onnx", "it has training information (training_info)"),
    ("metadata", "speech.onnx", "it has metadata (metadata_props)"),
    // Memory and time.
    ("constant_of_shape_floats", "speech.onnx", "it makes other values than one i64; it may make sizes only"),
    ("constant_of_shape_sizes", "speech.onnx", "a size of 805306368; from 1 to 8388608 are allowed"),
    ("constant_of_shape_many_sizes", "speech.onnx", "8388608 sizes; at most 64 are allowed"),
    ("range", "speech.onnx", "operator \"Range\", which makes \"hostile\": the operator is not one"),
    ("expand", "speech.onnx", "operator \"Expand\", which makes \"hostile\": the operator is not one"),
    ("tile", "speech.onnx", "operator \"Tile\", which makes \"hostile\": the operator is not one"),
    ("pad", "speech.onnx", "pads of 0 and 805306368 are not allowed"),
    ("pad_negative", "speech.onnx", "pads of -1 and 0 are not allowed"),
    ("resize", "speech.onnx", "it resizes axis 2 by 30000"),
    ("resize_by_a_fraction", "speech.onnx", "it resizes axis 2 by 0.5"),
    ("resize_by_another_mode", "speech.onnx", "coordinate_transformation_mode is not `asymmetric`"),
    ("resize_to_sizes", "speech.onnx", "4 inputs; 3 to 3 are allowed"),
    ("resize_eightfold_again", "speech.onnx", "more than 8388608 elements in a tensor"),
    ("reshape_huge", "speech.onnx", "a size of 4611686018427387904; from 1 to 8388608 are allowed"),
    ("split_huge", "speech.onnx", "a size of 4611686018427387904; from 1 to 8388608 are allowed"),
    ("broadcast_of_six_axes", "speech.onnx", "more than 8388608 elements in a tensor"),
    ("multiply_adds", "speech.onnx", "8598324803 multiply-adds; at most 536870912 are allowed"),
    ("activations", "speech.onnx", "41934085 elements in all results of nodes; at most 16777216 are"),
    ("convolution_columns", "speech.onnx", "its columns: more than 8388608 elements in a tensor"),
    ("many_nodes", "speech.onnx", "1025 nodes; at most 1024 are allowed"),
    ("many_inputs", "speech.onnx", "17 inputs of a node; at most 16 are allowed"),
    ("many_attribute_numbers", "speech.onnx", "attribute \"perm\": 17 numbers in a list; at most 16 are allowed"),
    ("long_name", "speech.onnx", "2000 bytes in a name; at most 512"),
    // Sizes.
    ("dimension_2_63", "speech.onnx", "the constant \"bad\": more than 8388608 elements in a tensor"),
    ("dimensions_overflow", "speech.onnx", "the constant \"bad\": more than 8388608 elements in a tensor"),
    ("dimension_negative", "speech.onnx", "the constant \"bad\": an axis of -1 is not allowed"),
    ("rank_7", "speech.onnx", "7 numbers in a list; at most 6 are"),
    ("weights_too_short", "speech.onnx", "the constant \"bad\": it has 4 bytes; [1000] of f32 are 4000"),
    ("weights_too_long", "speech.onnx", "the constant \"bad\": it has 4000 bytes; [1] of f32 are 4"),
    ("input_2_63", "speech.onnx", "input \"mel\": more than 8388608 elements in a tensor"),
    ("input_negative", "speech.onnx", "input \"mel\": an axis of -20 is not allowed"),
    ("input_dynamic", "speech.onnx", "input \"mel\": it is dynamic: only the batch, its first axis, may be"),
    ("input_batch_fixed", "speech.onnx", "input \"mel\": its batch is fixed to 1; it has to be a symbol"),
    ("input_without_shape", "speech.onnx", "input \"mel\": it has no shape, or no batch"),
    ("sizes_computed", "speech.onnx", "input 1 is not a constant list of sizes"),
    ("sizes_in_two_axes", "speech.onnx", "input 1 is not a constant list of sizes"),
    ("batch_mixed_by_softmax", "speech.onnx", "it works across the batch"),
    ("batch_moved", "speech.onnx", "it moves the batch"),
    ("batch_joined", "speech.onnx", "it works across the batch"),
    ("batch_fixed_by_reshape", "speech.onnx", "it makes [1, 1600] of [N, 20, 80], which fixes the batch"),
    // Values.
    ("weight_not_a_number", "speech.onnx", "the constant \"bad\": a weight is not finite"),
    ("weight_infinite_in_16_bits", "speech.onnx", "the constant \"bad\": a weight is not finite"),
    ("weight_infinite_in_attribute", "speech.onnx", "the constant \"hostile\": a weight is not finite"),
    ("factor_not_finite", "speech.onnx", "the attribute alpha is not a finite float"),
    ("string_tensor", "speech.onnx", "it is a tensor of strings"),
    ("string_constant", "speech.onnx", "it is a tensor of strings"),
    ("string_list", "speech.onnx", "attribute \"words\": it is a list of floats, strings or tensors,"),
    ("weights_of_64_bits", "speech.onnx", "its elements are of type f64"),
    ("weights_as_numbers", "speech.onnx", "an initializer: tensor \"bad\": its values are not raw bytes; write"),
    ("scale_zero", "identity.int8.onnx", "input 1 is not a constant positive scale"),
    ("scale_negative", "identity.int8.onnx", "input 1 is not a constant positive scale"),
    ("scales_too_many", "identity.int8.onnx", "input 1 is not a constant positive scale"),
    // Operators and their attributes.
    ("operator_unknown", "speech.onnx", "operator \"Einsum\", which makes \"hostile\": the operator is not one"),
    ("operator_random", "speech.onnx", "operator \"RandomNormal\", which makes \"hostile\": the operator is not"),
    ("operator_of_a_foreign_domain", "speech.onnx", "it imports operators of the domain \"ai.onnx.ml\", version 1, which"),
    ("quantised_in_a_foreign_domain", "speech.onnx", "it imports operators of the domain \"example.com\", version 1, which"),
    ("quantised_operator_unknown", "speech.onnx", "the operator of the domain \"com.microsoft\" is not one that a"),
    ("quantised_version_2", "speech.onnx", "it imports operators of the domain \"com.microsoft\", version 2,"),
    ("domain_not_imported", "identity.int8.onnx", "it uses operators of the domain com.microsoft, but does not import"),
    ("attribute_unknown", "speech.onnx", "the attribute \"slope\" is unknown"),
    ("attribute_twice", "speech.onnx", "the attribute \"keepdims\" occurs twice"),
    ("attribute_of_another_type", "speech.onnx", "the attribute axis is not an integer"),
    ("gather_outside", "speech.onnx", "it takes element 2 of 1"),
    ("slice_step_zero", "speech.onnx", "a step of 0 is not allowed"),
    ("slice_of_nothing", "speech.onnx", "it takes nothing of axis 1: 1 to 1 of 20"),
    ("split_into_other_sizes", "speech.onnx", "it splits 20 into [1, 2], 2 parts"),
    ("product_of_other_sizes", "speech.onnx", "it multiplies [N, 20, 80] by [2, 2], which do not fit together"),
    ("convolution_without_groups", "speech.onnx", "its weights [1, 1, 3, 3] in 0 groups do not fit 1 channels"),
    ("convolution_pads_huge", "speech.onnx", "pads of [4611686018427387904, 0] around a kernel of 3 are not allowed"),
    ("convolution_pads_negative", "speech.onnx", "pads of [-1, 0] around a kernel of 3 are not allowed"),
    ("convolution_stride_zero", "speech.onnx", "a stride of 0 or dilation of 1 is not allowed"),
    ("convolution_dilation_huge", "speech.onnx", "a stride of 1 or dilation of 4611686018427387904 is not allowed"),
    ("convolution_kernel_too_large", "speech.onnx", "its kernel of 129 is larger than the picture of 80"),
    ("depth_to_space_block_0", "speech.onnx", "a size of 0; from 1 to 8388608 are allowed"),
    ("depth_to_space_block_huge", "speech.onnx", "a size of 4611686018427387904; from 1 to 8388608 are allowed"),
    // The graph.
    ("cycle", "speech.onnx", "it takes \"mean\", which this or a later node makes: nodes are in a"),
    ("cycle_of_itself", "speech.onnx", "it takes \"mean\", which this or a later node makes: nodes are in a"),
    ("undefined", "speech.onnx", "it takes \"nobody\\u{1b}[31m\", which is undefined"),
    ("name_twice", "speech.onnx", "two tensors have the name \"low\""),
    ("initializer_twice", "speech.onnx", "two tensors have the name \"low\""),
    ("initializer_of_an_input", "speech.onnx", "two tensors have the name \"mel\""),
    ("output_undefined", "speech.onnx", "an output of the network: \"coefficients\" is undefined"),
    ("output_of_another_name", "speech.onnx", "the network has no output `coefficients`"),
    ("output_of_another_shape", "speech.onnx", "output `coefficients` is [N, 1, 1] of f32, but [N, 1] of f32 is"),
    ("output_declared_otherwise", "speech.onnx", "an output of the network: \"coefficients\" is declared as [?, 2] of"),
    ("value_declared_otherwise", "speech.onnx", "\"mean\" is declared as [?, 5, 5] of f32, but is [N, 1, 1] of f32"),
    ("input_of_another_name", "speech.onnx", "the network wants an input \"other\" that the manifest does not name"),
    ("input_of_another_shape", "speech.onnx", "input `mel` is [N, 20, 40] of f32, but [N, 20, 80] of f32 is expected"),
    ("input_of_integers", "speech.onnx", "its first input is of type i64, which is not allowed"),
    ("input_a_sequence", "speech.onnx", "\"mel\": it is a sequence; only tensors are allowed"),
    ("input_a_map", "speech.onnx", "\"mel\": it is a map; only tensors are allowed"),
    ("input_optional", "speech.onnx", "\"mel\": it is an optional value; only tensors are allowed"),
    ("input_sparse", "speech.onnx", "\"mel\": it is a sparse tensor; only plain tensors are allowed"),
    ("opset_too_new", "speech.onnx", "its opset is 99; 13 to 17 are read"),
    ("opset_too_old", "speech.onnx", "its opset is 9; 13 to 17 are read"),
    ("opset_twice", "speech.onnx", "it imports the domain \"\" twice"),
    ("opset_missing", "speech.onnx", "it imports no opset"),
    ("ir_too_new", "speech.onnx", "its ir_version is 99; 7 to 10 are read"),
    // The bytes.
    ("empty", "speech.onnx", "it is not an ONNX model: there is no graph"),
    ("not_onnx", "speech.onnx", "damaged: field 14 has wire type 3"),
    ("cut", "speech.onnx", "damaged: field 7 has 249 bytes, 248 are left"),
    ("rubbish_behind", "speech.onnx", "damaged: field 14 has 117 bytes, 5 are left"),
    ("field_unknown", "speech.onnx", "field 99 of the model is unknown"),
    ("field_unknown_in_graph", "speech.onnx", "field 77 of the graph is unknown"),
    ("field_of_another_type", "speech.onnx", "it has training information (training_info)"),
    ("graph_twice", "speech.onnx", "`graph` occurs twice"),
    ("length_huge", "speech.onnx", "damaged: field 6 has 18446744073709551615 bytes, 0 are left"),
    ("number_endless", "speech.onnx", "damaged: a number is cut short or has more than 64 bits"),
    ("group", "speech.onnx", "damaged: field 6 has wire type 3"),
    ("data_type_cut_off", "speech.onnx", "an initializer: tensor \"bad\": field 2 is 4294967297, which is no"),
    ("location_twice", "speech.onnx", "an initializer: tensor \"bad\": `data_location` occurs twice"),
    ("name_not_text", "speech.onnx", "field 4 is not UTF-8"),
];

#[test]
fn hostile_networks_are_refused_by_name() {
    let mut wrong = Vec::new();
    for (name, network, part) in HOSTILE {
        let path = testdata("hostile").join(format!("{name}.imx"));
        let Err(error) = engine().open(&path) else {
            wrong.push(format!("{name}: opened"));
            continue;
        };
        let (text, path) = (error.to_string(), path.display().to_string());
        let refused = format!("({network}) is refused: ");
        let names_all = [&path, &refused, *part]
            .iter()
            .all(|part| text.contains(part));
        if error.kind() != ErrorKind::InvalidAvatar || !names_all {
            wrong.push(format!("{name}: expected {refused}{part}, got {error:?}"));
        }
        if text.chars().any(char::is_control) {
            wrong.push(format!("{name}: a control character in {error:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        HOSTILE.len(),
        wrong.join("\n")
    );
}

#[test]
fn the_table_of_hostile_files_is_complete() {
    let on_disk: BTreeSet<_> = std::fs::read_dir(testdata("hostile"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let in_table: BTreeSet<_> = HOSTILE
        .iter()
        .map(|(name, ..)| format!("{name}.imx"))
        .collect();
    assert_eq!(on_disk, in_table);
}

/// The sources of the hostile files open: each of those files has one fault only.
#[test]
fn the_sound_avatar_behind_the_hostile_ones_opens() {
    let avatar = engine().open(testdata("avatars/tiny.imx")).unwrap();
    assert!(
        avatar.provider().quantized,
        "its network in 8 bits runs, too: {:?}",
        avatar.provider()
    );
}
