import 'dart:convert';
import 'dart:ffi';

import 'core.g.dart';
import 'errors.dart';

/// Memory of the native core's, zeroed.
final class CoreAllocator implements Allocator {
  /// Memory by way of `core`.
  CoreAllocator(this._core);

  final CoreBindings _core;

  @override
  Pointer<T> allocate<T extends NativeType>(int byteCount, {int? alignment}) {
    final memory = _core.bithuman_alloc(byteCount);
    if (memory == nullptr) throw OutOfMemoryError();
    return memory.cast();
  }

  @override
  void free(Pointer pointer) => _core.bithuman_free(pointer.cast());

  /// Calls `body` with memory that is given back when it returns or throws.
  R scoped<R>(R Function(Scope scope) body) {
    final scope = Scope._(this);
    try {
      return body(scope);
    } finally {
      scope._owned.forEach(free);
    }
  }
}

/// Memory for the time of a call.
final class Scope implements Allocator {
  Scope._(this._allocator);

  final CoreAllocator _allocator;
  final List<Pointer> _owned = [];

  @override
  Pointer<T> allocate<T extends NativeType>(int byteCount, {int? alignment}) {
    final memory = _allocator.allocate<T>(byteCount, alignment: alignment);
    _owned.add(memory);
    return memory;
  }

  /// Freed with the scope.
  @override
  void free(Pointer pointer) {}

  /// A string as C reads it.
  Pointer<Char> text(String text) {
    final bytes = utf8.encode(text);
    if (bytes.contains(0)) {
      throw EssenceException.of(EssenceStatus.invalidArgument, 'a string contains a NUL: $text');
    }
    final memory = this<Uint8>(bytes.length + 1);
    memory.asTypedList(bytes.length).setAll(0, bytes);
    return memory.cast();
  }

  /// An array of strings as C reads it.
  Pointer<Pointer<Char>> texts(List<String> all) {
    final memory = this<Pointer<Char>>(all.length);
    for (var i = 0; i < all.length; i++) {
      memory[i] = text(all[i]);
    }
    return memory;
  }

  /// An array of numbers as C reads it.
  Pointer<Double> doubles(List<double> all) =>
      this<Double>(all.length)..asTypedList(all.length).setAll(0, all);

  /// An array of numbers as C reads it.
  Pointer<Float> floats(List<double> all) =>
      this<Float>(all.length)..asTypedList(all.length).setAll(0, all);
}

/// A string of C's; empty for NULL.
String textAt(Pointer<Char> pointer) {
  if (pointer == nullptr) return '';
  final bytes = pointer.cast<Uint8>();
  var length = 0;
  while (bytes[length] != 0) {
    length++;
  }
  return utf8.decode(bytes.asTypedList(length), allowMalformed: true);
}

/// An array of strings of C's.
List<String> textsAt(Pointer<Pointer<Char>> pointers, int count) =>
    List.generate(count, (i) => textAt(pointers[i]), growable: false);
