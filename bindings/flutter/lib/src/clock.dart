import 'dart:ffi';

import 'essence.g.dart';
import 'library.dart';

/// A clock of the program's for real-time sessions.
final class EssenceClock extends Handle<essence_clock> {
  EssenceClock._(super.essence, super.pointer) : super.clock();

  /// A clock that stands still until [advance]; for tests and simulations.
  factory EssenceClock.standing() =>
      _create((essence, out, err) => essence.functions.essence_clock_create(out, err));

  /// A clock that goes at the pace of a sound card, which says where it is: [setPosition].
  factory EssenceClock.host() =>
      _create((essence, out, err) => essence.functions.essence_clock_create_host(out, err));

  static EssenceClock _create(
    int Function(Essence essence, Pointer<Pointer<essence_clock>> out, Pointer<essence_error> err) create,
  ) {
    final essence = Essence.instance;
    return essence.memory.scoped((scope) {
      final out = scope<Pointer<essence_clock>>();
      essence.call((err) => create(essence, out, err));
      return EssenceClock._(essence, out.value);
    });
  }

  /// Moves a standing clock forward.
  void advance(Duration by) => essence.call(
        (err) => essence.functions.essence_clock_advance(pointer, by.inMicroseconds * 1000, err),
      );

  /// Says where a host's clock stands now.
  void setPosition(Duration position) => essence.call(
        (err) => essence.functions.essence_clock_set_position(pointer, position.inMicroseconds * 1000, err),
      );
}
