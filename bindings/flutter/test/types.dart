// All of the plugin's Dart, for the type checker of a Dart VM: `dart --packages=stubs/package_config.json types.dart`.

import 'dart:ffi';

import 'package:bithuman/bithuman.dart';
import 'package:bithuman/raw.dart';

import '../example/lib/main.dart' as example;
import 'conformance_test.dart' as conformance;
import 'native_test.dart' as native;
import 'plugin_test.dart' as plugin;

void main() {
  // Named, so that none of the imports is unused.
  final all = [BithumanAvatar.load, example.main, native.main, plugin.main, conformance.main, CoreBindings.new];
  print('types: ${all.length} entry points, ${sizeOf<essence_frame_info>()} bytes of essence_frame_info');
}
