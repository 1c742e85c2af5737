import 'dart:async';
import 'dart:collection';
import 'dart:ffi';
import 'dart:isolate';

import 'core.g.dart';
import 'errors.dart';
import 'essence.g.dart';
import 'frame.dart';
import 'library.dart';
import 'session.dart';

/// An isolate that draws the frames of a session, so that the isolate of the user interface never waits.
///
/// It waits in native code for the time of a frame, a moment at a time, and holds a reference to the session, so that nothing it
/// calls is gone. Nothing native calls into an isolate, which may end at any time.
final class FramePump {
  FramePump._(this._onMessage) {
    _messages.listen(_take);
  }

  /// Frames copied out of native memory; `ahead` of them at most wait for the listener.
  static Stream<EssenceFrame> frames(EssenceSession session, int ahead) {
    if (ahead < 1) throw ArgumentError.value(ahead, 'ahead', 'one frame at least has to be on its way');
    if (session.isClosed) throw StateError('this EssenceSession is closed');
    final waiting = Queue<EssenceFrame>();
    late final FramePump pump;
    // Synchronous, so that a listener that pauses while it works is given one frame at a time.
    late final StreamController<EssenceFrame> frames;
    var ended = false;
    void drain() {
      while (waiting.isNotEmpty && frames.hasListener && !frames.isPaused) {
        frames.add(waiting.removeFirst());
        pump._allow(1);
      }
      if (ended && waiting.isEmpty && !frames.isClosed) unawaited(frames.close());
    }

    frames = StreamController<EssenceFrame>(
      sync: true,
      onListen: () {
        pump = FramePump._((message) {
          switch (message) {
            case final EssenceFrame frame:
              waiting.add(frame);
            case final EssenceException error:
              if (!frames.isClosed) frames.addError(error);
            default:
              ended = true;
          }
          drain();
        });
        if (session.isClosed) {
          ended = true;
          drain();
        } else {
          pump._spawn(session, ahead, surface: false);
        }
      },
      onResume: () => scheduleMicrotask(drain),
      onCancel: () => pump.stop(),
    );
    return frames.stream;
  }

  /// Draws onto the session's surface, as frames are due. `onFrame` is told of each; where the listener is slow, of several at
  /// once: memory doesn't grow. `onError` is told why drawing ended, if not by [stop] or the session's end.
  static FramePump surface(
    EssenceSession session, {
    required void Function(FrameFacts facts) onFrame,
    required void Function(EssenceException error) onError,
  }) {
    if (session.isClosed) throw StateError('this EssenceSession is closed');
    late final FramePump pump;
    pump = FramePump._((message) {
      switch (message) {
        case final FrameFacts facts:
          pump._allow(1);
          onFrame(facts);
        case final EssenceException error:
          onError(error);
      }
    });
    return pump.._spawn(session, 4, surface: true);
  }

  final void Function(Object? message) _onMessage;
  final ReceivePort _messages = ReceivePort();
  final Completer<void> _ended = Completer();
  SendPort? _control;
  void Function() _wake = () {};
  bool _stopped = false;

  /// Completes when the isolate draws no more and holds nothing any more.
  Future<void> get ended => _ended.future;

  /// Ends drawing; what the isolate has on its way is dropped.
  Future<void> stop() {
    _stopped = true;
    _control?.send(null);
    _wake();
    return ended;
  }

  void _spawn(EssenceSession session, int credits, {required bool surface}) {
    final start = (paths: session.essence.paths, stage: session.id, surface: surface, credits: credits);
    _wake = () {
      if (!session.isClosed) session.essence.core.bithuman_stage_wake(session.pointer);
    };
    Isolate.spawn(
      _Worker.run,
      (_messages.sendPort, start),
      onError: _messages.sendPort,
      onExit: _messages.sendPort,
      debugName: 'bithuman draws',
    ).then<void>((_) {}, onError: (Object error) {
      _take([error.toString(), '']);
      _take(null);
    });
  }

  void _allow(int frames) {
    _control?.send(frames);
    _wake();
  }

  void _take(Object? message) {
    switch (message) {
      case final SendPort control:
        _control = control;
        if (_stopped) control.send(null);
      case null:
        _messages.close();
        if (!_ended.isCompleted) _ended.complete();
        if (!_stopped) _onMessage(null);
      case [final Object error, ...]:
        // An error that the isolate did not catch is a bug, and says so.
        if (!_stopped) _onMessage(EssenceException.of(EssenceStatus.internal, 'the isolate that draws: $error'));
      default:
        if (!_stopped) _onMessage(message);
    }
  }
}

typedef _Start = ({LibraryPaths paths, int stage, bool surface, int credits});

/// A reference to a stage by an isolate that draws on it.
final class _Drawing extends Handle<bithuman_stage> {
  _Drawing(super.essence, super.pointer) : super.drawing();
}

/// The isolate's side.
final class _Worker {
  _Worker._(this._essence, this._messages, this._start, this._stage);

  /// Draws until there is nothing more to draw, or it is told to end.
  static Future<void> run((SendPort, _Start) given) async {
    final (messages, start) = given;
    Essence.configure(library: start.paths.library, core: start.paths.core);
    final essence = Essence.instance;
    final stage = essence.core.bithuman_stage_find(start.stage);
    // Closed before this isolate began; its end is told by its exit.
    if (stage == nullptr) return;
    await _Worker._(essence, messages, start, _Drawing(essence, stage))._draw();
  }

  /// A message is seen after as long as this at most, where nobody wakes the stage.
  static const _waitNs = 20 * 1000 * 1000;

  final Essence _essence;
  final SendPort _messages;
  final _Start _start;
  final _Drawing _stage;
  final EssenceFrameBuffer _frame = EssenceFrameBuffer();
  late final Pointer<essence_frame_info> _info = _essence.memory()..ref.struct_size = sizeOf<essence_frame_info>();
  final ReceivePort _control = ReceivePort();
  late int _credits = _start.credits;
  FrameFacts? _untold;
  bool _any = false, _ended = false;

  void _obey(Object? message) {
    if (message is! int) {
      _ended = true;
      return;
    }
    _credits += message;
    if (_untold case final facts?) {
      _untold = null;
      _tell(facts);
    }
  }

  Future<void> _draw() async {
    _control.listen(_obey);
    _messages.send(_control.sendPort);
    try {
      while (!_ended) {
        if (_start.surface || _credits > 0) {
          switch (_next()) {
            case EssenceStatus.ok:
              _hand();
            case EssenceStatus.done:
              _ended = true;
            case _:
              _essence.core.bithuman_stage_wait(_stage.pointer, _waitNs);
          }
        } else {
          _essence.core.bithuman_stage_wait(_stage.pointer, _waitNs);
        }
        // Lets messages in.
        await Future<void>.delayed(Duration.zero);
      }
    } on EssenceException catch (error) {
      if (error.status != EssenceStatus.cancelled) _messages.send(error);
    } finally {
      _control.close();
      _frame.close();
      _essence.memory.free(_info);
      _stage.close();
    }
  }

  void _hand() {
    _any = true;
    if (_start.surface) {
      _tell(FrameFacts.read(_info.ref));
    } else {
      _credits--;
      _messages.send(EssenceFrame.read(_info.ref));
    }
  }

  /// AGAIN arms the wake-up only without waiting, where DONE isn't given; so both are asked.
  EssenceStatus _next() {
    final status = _try(1);
    if (status == EssenceStatus.ok || (status == EssenceStatus.done && _any)) return status;
    return _try(0);
  }

  EssenceStatus _try(int timeoutNs) => _essence.call(
        (err) => _essence.core.bithuman_stage_draw(_stage.pointer, _frame.pointer, timeoutNs, _info, err),
      );

  void _tell(FrameFacts facts) {
    if (_credits == 0) {
      final before = _untold;
      _untold = before == null ? facts : facts.after(before);
    } else {
      _credits--;
      _messages.send(facts);
    }
  }
}
