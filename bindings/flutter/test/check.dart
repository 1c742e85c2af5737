// Checks for programs that run where no package can be had.

import 'dart:async';
import 'dart:io';
import 'dart:typed_data';

import '../lib/essence.dart';

int _passed = 0;

/// Runs a test; the program ends with the first that fails, or that takes a minute.
Future<void> test(String name, FutureOr<void> Function() body) async {
  try {
    await Future.sync(body).timeout(const Duration(minutes: 1));
    _passed++;
  } catch (error, stack) {
    stderr.writeln('$name: $error\n$stack');
    exit(1);
  }
}

/// Says how many tests passed.
void finish(String name) {
  print('$name: $_passed passed, 0 failed');
  exit(0);
}

void check(bool holds, String what) {
  if (!holds) throw StateError(what);
}

void equal(Object? found, Object? expected, String what) {
  if (found != expected) throw StateError('$what: $found, and expected was $expected');
}

void fails(EssenceStatus status, void Function() call) {
  try {
    call();
  } on EssenceException catch (error) {
    equal(error.status, status, 'status of "${error.message}"');
    check(error.message.isNotEmpty, 'an error without words');
    return;
  }
  throw StateError('no error where ${status.name} was expected');
}

void throwsState(void Function() call) {
  try {
    call();
  } on StateError {
    return;
  }
  throw StateError('no StateError');
}

int hash(TypedData data) {
  var value = 0x811c9dc5;
  for (final byte in data.buffer.asUint8List(data.offsetInBytes, data.lengthInBytes)) {
    value = ((value ^ byte) * 0x01000193) & 0xffffffff;
  }
  return value;
}
