// The part of Flutter's services that the plugin uses, with a platform's side that a test answers for.

import 'dart:async';

class MethodCall {
  const MethodCall(this.method, [this.arguments]);
  final String method;
  final Object? arguments;
}

class PlatformException implements Exception {
  PlatformException({required this.code, this.message, this.details});
  final String code;
  final String? message;
  final Object? details;
}

class MissingPluginException implements Exception {
  MissingPluginException([this.message]);
  final String? message;
}

class MethodChannel {
  const MethodChannel(this.name);
  final String name;

  static final Map<String, FutureOr<Object?> Function(MethodCall)> platform = {};

  Future<T?> invokeMethod<T>(String method, [Object? arguments]) async {
    final answer = platform[name];
    if (answer == null) throw MissingPluginException('No implementation found for method $method on channel $name');
    return await answer(MethodCall(method, arguments)) as T?;
  }
}

class EventChannel {
  const EventChannel(this.name);
  final String name;

  static final Map<String, Stream<Object?>> platform = {};

  Stream<dynamic> receiveBroadcastStream([Object? arguments]) => platform[name]!.asBroadcastStream();
}
