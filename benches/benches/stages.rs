//! Each stage alone, per video frame of 40 ms.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use essence::internals::{Mel, Picture, Resample, Scale};
use essence::{OutputSize, PixelFormat};

fn audio(c: &mut Criterion) {
    let mut group = c.benchmark_group("audio");
    for rate in [24_000, 44_100, 48_000] {
        let voice = benches::voice(rate as usize / 25, rate);
        let mut resample = Resample::new(rate).expect("the rate is accepted");
        group.bench_function(format!("resample_{rate}"), |b| {
            b.iter(|| resample.run(&voice));
        });
    }
    let voice = benches::voice(640, 16_000);
    let mut mel = Mel::default();
    group.bench_function("mel", |b| b.iter(|| mel.run(&voice)));
    group.finish();
}

fn networks(c: &mut Criterion) {
    let mut picture = Picture::new(&benches::avatar()).expect("the avatar renders");
    let mut group = c.benchmark_group("networks");
    group.bench_function("speech", |b| b.iter(|| picture.speech()));
    group.bench_function("identity", |b| b.iter(|| picture.identity()));
    group.finish();
}

fn compose(c: &mut Criterion) {
    let avatar = benches::avatar();
    let (width, height) = (avatar.info().frame_width, avatar.info().frame_height);
    let mut picture = Picture::new(&avatar).expect("the avatar renders");
    let mut group = c.benchmark_group("compose");
    group.throughput(Throughput::Elements((width * height) as u64));
    group.bench_function("decode_jpeg", |b| b.iter(|| picture.decode(0)));
    group.bench_function("expand", |b| b.iter(|| picture.expand()));
    group.bench_function("blend", |b| b.iter(|| picture.blend()));
    let mut out = Vec::new();
    for format in PixelFormat::ALL {
        group.bench_function(format!("convert_{format}"), |b| {
            b.iter(|| picture.convert(format, &mut out));
        });
    }
    let mut scale = Scale::new(
        (width, height),
        OutputSize {
            width: 1280,
            height: 720,
        },
    );
    let rgb = vec![128; width * height * 3];
    group.bench_function("fit_1280x720", |b| b.iter(|| scale.run(&rgb)));
    group.finish();
}

criterion_group!(stages, audio, networks, compose);
criterion_main!(stages);
