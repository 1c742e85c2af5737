// The part of Flutter's widgets that the example uses: types alone.

abstract class Key {}

abstract class BuildContext {}

abstract class Widget {
  const Widget({this.key});
  final Key? key;
}

abstract class StatelessWidget extends Widget {
  const StatelessWidget({super.key});
  Widget build(BuildContext context);
}

abstract class StatefulWidget extends Widget {
  const StatefulWidget({super.key});
  State<StatefulWidget> createState();
}

abstract class State<T extends StatefulWidget> {
  bool get mounted => true;
  void initState() {}
  void dispose() {}
  void setState(void Function() change) => change();
  Widget build(BuildContext context);
}

enum MainAxisAlignment { center }

class MaterialApp extends Widget {
  const MaterialApp({super.key, required this.home});
  final Widget home;
}

class Scaffold extends Widget {
  const Scaffold({super.key, required this.body});
  final Widget body;
}

class Column extends Widget {
  const Column({super.key, required this.children});
  final List<Widget> children;
}

class Row extends Widget {
  const Row({super.key, this.mainAxisAlignment = MainAxisAlignment.center, required this.children});
  final MainAxisAlignment mainAxisAlignment;
  final List<Widget> children;
}

class Expanded extends Widget {
  const Expanded({super.key, required this.child});
  final Widget child;
}

class Center extends Widget {
  const Center({super.key, required this.child});
  final Widget child;
}

class SizedBox extends Widget {
  const SizedBox({super.key});
}

class AspectRatio extends Widget {
  const AspectRatio({super.key, required this.aspectRatio, required this.child});
  final double aspectRatio;
  final Widget child;
}

class Texture extends Widget {
  const Texture({super.key, required this.textureId});
  final int textureId;
}

class Text extends Widget {
  const Text(this.data, {super.key});
  final String data;
}

class FilledButton extends Widget {
  const FilledButton({super.key, required this.onPressed, required this.child});
  final void Function()? onPressed;
  final Widget child;
}

void runApp(Widget app) {}
