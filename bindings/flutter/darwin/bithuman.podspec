Pod::Spec.new do |s|
  s.name = 'bithuman'
  s.version = '0.1.0'
  s.summary = 'Real-time talking avatars on the user\'s own machine.'
  s.homepage = 'https://docs.rs/essence'
  s.license = { :type => 'MIT OR Apache-2.0' }
  s.author = 'libessence'
  s.source = { :path => '.' }
  s.source_files = 'bithuman/Sources/**/*.{swift,cc,h}'
  s.public_header_files = 'bithuman/Sources/bithuman_core/include/*.h'
  s.vendored_frameworks = 'bithuman/CEssence.xcframework'
  s.libraries = 'c++'
  s.ios.dependency 'Flutter'
  s.osx.dependency 'FlutterMacOS'
  s.ios.deployment_target = '16.0'
  s.osx.deployment_target = '13.0'
  s.swift_version = '5.9'
  s.pod_target_xcconfig = {
    'DEFINES_MODULE' => 'YES',
    'CLANG_CXX_LANGUAGE_STANDARD' => 'c++17',
    # Dart looks its functions up by their names, so none of them may be left out.
    'OTHER_LDFLAGS' => '-all_load',
  }
end
