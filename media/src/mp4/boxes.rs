//! The index of the file: `ftyp` and `moov`.

use std::num::{NonZeroU16, NonZeroU32};

use essence::{Error, ErrorKind, Result};
use shiguredo_mp4::boxes::{
    AudioSampleEntryFields, Avc1Box, AvccBox, Brand, Co64Box, DinfBox, EdtsBox, ElstBox, ElstEntry,
    EsdsBox, FtypBox, HdlrBox, MdiaBox, MediaHeader, MinfBox, MoovBox, Mp4aBox, MvhdBox,
    SampleEntry, SmhdBox, StblBox, StcoBox, StscBox, StscEntry, StsdBox, StssBox, StszBox, SttsBox,
    SttsEntry, TkhdBox, TrakBox, VisualSampleEntryFields, VmhdBox,
};
use shiguredo_mp4::descriptors::{
    DecoderConfigDescriptor, DecoderSpecificInfo, EsDescriptor, SlConfigDescriptor,
};
use shiguredo_mp4::{Either, FixedPointNumber, Mp4FileTime, Uint};

use super::h264::{COLOUR_PRIMARIES, MATRIX_COEFFICIENTS, ParameterSets, TRANSFER_CHARACTERISTICS};
use super::options::FRAME_RATE;
use super::small_boxes::{encode, hdlr, mdhd, non_zero, pre_roll, raw_box, stts, user_data};

const VIDEO_TIMESCALE: u32 = 600 * FRAME_RATE;
const VIDEO_DELTA: u32 = 600;
const AAC_FRAME_SAMPLES: u32 = 1024;
const VIDEO_TRACK: u32 = 1;
const AUDIO_TRACK: u32 = 2;
/// Length of `mdat`'s header in 64 bits, and of `free` and `mdat`'s header in 32: the same.
const MDAT_HEADER_BYTES: u64 = 16;

/// The chunks of a track: offsets of its runs of samples, from the begin of the data.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    offsets: Vec<u64>,
    /// Number of the track's samples up to the end of each chunk.
    ends: Vec<u32>,
}

#[derive(Debug, Default)]
pub(super) struct VideoIndex {
    pub(super) sizes: Vec<u32>,
    pub(super) key_frames: Vec<u32>,
    pub(super) chunks: Chunks,
}

#[derive(Debug, Default)]
pub(super) struct AudioIndex {
    pub(super) sizes: Vec<u32>,
    pub(super) chunks: Chunks,
}

/// The content of the index.
pub(super) struct Index<'a> {
    pub(super) video: &'a VideoIndex,
    pub(super) audio: &'a AudioIndex,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) parameter_sets: &'a ParameterSets,
    /// Also the timescale of the movie, in which a video frame is a whole number.
    pub(super) sample_rate_hz: u32,
    pub(super) audio_config: &'a [u8],
    pub(super) priming_samples: u64,
    pub(super) presented_samples: u64,
}

/// The box at the begin of the file.
pub(super) fn file_head() -> Result<Vec<u8>> {
    encode(&FtypBox {
        major_brand: Brand::ISOM,
        minor_version: 0x200,
        compatible_brands: vec![
            Brand::ISOM,
            Brand::ISO2,
            Brand::AVC1,
            Brand::MP41,
            Brand::new(*b"mp42"),
        ],
    })
}

impl Chunks {
    /// Adds a chunk at `offset`, after which the track has `end` samples.
    pub(super) fn push(&mut self, offset: u64, end: u32) {
        if self.ends.last().copied().unwrap_or(0) < end {
            self.offsets.push(offset);
            self.ends.push(end);
        }
    }

    fn stsc(&self) -> StscBox {
        let mut entries: Vec<StscEntry> = Vec::new();
        let mut begin = 0;
        for (chunk, &end) in (1..).zip(&self.ends) {
            let sample_per_chunk = end - begin;
            begin = end;
            if entries
                .last()
                .is_none_or(|e| e.sample_per_chunk != sample_per_chunk)
                && let Some(first_chunk) = NonZeroU32::new(chunk)
            {
                let sample_description_index = NonZeroU32::MIN;
                entries.push(StscEntry {
                    first_chunk,
                    sample_per_chunk,
                    sample_description_index,
                });
            }
        }
        StscBox { entries }
    }

    fn offsets(&self, begin: u64, wide: bool) -> Either<StcoBox, Co64Box> {
        let offsets = self.offsets.iter().map(|o| begin + o);
        if wide {
            Either::B(Co64Box {
                chunk_offsets: offsets.collect(),
            })
        } else {
            Either::A(StcoBox {
                chunk_offsets: offsets.map(|o| o as u32).collect(),
            })
        }
    }
}

impl Index<'_> {
    /// `moov` and the header of `mdat`, which go directly before the data: `data_bytes` that begin at
    /// `data_begin` in the file. Their size depends on `data_bytes` alone.
    pub(super) fn encode(&self, data_begin: u64, data_bytes: u64) -> Result<Vec<u8>> {
        // Wide or not must not depend on where the index ends, so it is decided with room to spare.
        let wide = data_bytes > u64::from(u32::MAX) - (1 << 28);
        let mut bytes = encode(&self.moov(data_begin, wide)?)?;
        if wide {
            bytes.extend_from_slice(&1u32.to_be_bytes());
            bytes.extend_from_slice(b"mdat");
            bytes.extend_from_slice(&(data_bytes + MDAT_HEADER_BYTES).to_be_bytes());
        } else {
            bytes.extend_from_slice(&8u32.to_be_bytes());
            bytes.extend_from_slice(b"free");
            bytes.extend_from_slice(&(data_bytes as u32 + 8).to_be_bytes());
            bytes.extend_from_slice(b"mdat");
        }
        Ok(bytes)
    }

    fn moov(&self, data_begin: u64, wide: bool) -> Result<MoovBox> {
        Ok(MoovBox {
            mvhd_box: MvhdBox {
                creation_time: Mp4FileTime::default(),
                modification_time: Mp4FileTime::default(),
                timescale: non_zero(self.sample_rate_hz)?,
                duration: self.presented_samples,
                rate: MvhdBox::DEFAULT_RATE,
                volume: MvhdBox::DEFAULT_VOLUME,
                matrix: MvhdBox::DEFAULT_MATRIX,
                next_track_id: AUDIO_TRACK + 1,
            },
            trak_boxes: vec![
                self.video_trak(data_begin, wide)?,
                self.audio_trak(data_begin, wide)?,
            ],
            mvex_box: None,
            unknown_boxes: vec![user_data()],
        })
    }

    fn video_trak(&self, data_begin: u64, wide: bool) -> Result<TrakBox> {
        let frames = self.video.sizes.len() as u32;
        let tkhd_box = TkhdBox {
            track_id: VIDEO_TRACK,
            volume: TkhdBox::DEFAULT_VIDEO_VOLUME,
            width: FixedPointNumber::new(self.width as i16, 0),
            height: FixedPointNumber::new(self.height as i16, 0),
            ..self.tkhd()
        };
        Ok(TrakBox {
            tkhd_box,
            edts_box: Some(self.edit(0)),
            mdia_box: MdiaBox {
                mdhd_box: mdhd(VIDEO_TIMESCALE, u64::from(frames) * u64::from(VIDEO_DELTA))?,
                hdlr_box: hdlr(HdlrBox::HANDLER_TYPE_VIDE, "Video"),
                minf_box: MinfBox {
                    media_header: Some(MediaHeader::Vmhd(VmhdBox::default())),
                    dinf_box: DinfBox::LOCAL_FILE,
                    stbl_box: StblBox {
                        stsd_box: StsdBox {
                            entries: vec![self.avc1()?],
                        },
                        stts_box: stts(frames, VIDEO_DELTA),
                        ctts_box: None,
                        cslg_box: None,
                        stsc_box: self.video.chunks.stsc(),
                        stsz_box: StszBox::Variable {
                            entry_sizes: self.video.sizes.clone(),
                        },
                        stco_or_co64_box: self.video.chunks.offsets(data_begin, wide),
                        stss_box: Some(StssBox {
                            sample_numbers: self
                                .video
                                .key_frames
                                .iter()
                                .filter_map(|&n| NonZeroU32::new(n))
                                .collect(),
                        }),
                        sdtp_box: None,
                        unknown_boxes: Vec::new(),
                    },
                    unknown_boxes: Vec::new(),
                },
                unknown_boxes: Vec::new(),
            },
            unknown_boxes: Vec::new(),
        })
    }

    fn audio_trak(&self, data_begin: u64, wide: bool) -> Result<TrakBox> {
        let frames = self.audio.sizes.len() as u32;
        let (stts_box, media_samples) = self.audio_times();
        let tkhd_box = TkhdBox {
            track_id: AUDIO_TRACK,
            volume: TkhdBox::DEFAULT_AUDIO_VOLUME,
            alternate_group: 1,
            ..self.tkhd()
        };
        Ok(TrakBox {
            tkhd_box,
            edts_box: Some(self.edit(self.priming_samples)),
            mdia_box: MdiaBox {
                mdhd_box: mdhd(self.sample_rate_hz, media_samples)?,
                hdlr_box: hdlr(HdlrBox::HANDLER_TYPE_SOUN, "Audio"),
                minf_box: MinfBox {
                    media_header: Some(MediaHeader::Smhd(SmhdBox {
                        balance: SmhdBox::DEFAULT_BALANCE,
                    })),
                    dinf_box: DinfBox::LOCAL_FILE,
                    stbl_box: StblBox {
                        stsd_box: StsdBox {
                            entries: vec![self.mp4a()?],
                        },
                        stts_box,
                        ctts_box: None,
                        cslg_box: None,
                        stsc_box: self.audio.chunks.stsc(),
                        stsz_box: StszBox::Variable {
                            entry_sizes: self.audio.sizes.clone(),
                        },
                        stco_or_co64_box: self.audio.chunks.offsets(data_begin, wide),
                        stss_box: None,
                        sdtp_box: None,
                        unknown_boxes: pre_roll(frames),
                    },
                    unknown_boxes: Vec::new(),
                },
                unknown_boxes: Vec::new(),
            },
            unknown_boxes: Vec::new(),
        })
    }

    /// AAC frames last 1024 samples each, but the last one only until the pictures end: not all players
    /// cut what they have decoded by the length of the edit.
    fn audio_times(&self) -> (SttsBox, u64) {
        let frames = self.audio.sizes.len() as u32;
        let before = u64::from(frames - 1) * u64::from(AAC_FRAME_SAMPLES);
        let end = self.priming_samples + self.presented_samples;
        let last = end
            .saturating_sub(before)
            .clamp(1, u64::from(AAC_FRAME_SAMPLES)) as u32;
        let mut stts_box = stts(frames - 1, AAC_FRAME_SAMPLES);
        stts_box.entries.retain(|entry| entry.sample_count > 0);
        match stts_box.entries.last_mut() {
            Some(entry) if entry.sample_delta == last => entry.sample_count += 1,
            _ => stts_box.entries.push(SttsEntry {
                sample_count: 1,
                sample_delta: last,
            }),
        }
        (stts_box, before + u64::from(last))
    }

    /// The boxes of a track, of either kind.
    fn tkhd(&self) -> TkhdBox {
        TkhdBox {
            flag_track_enabled: true,
            flag_track_in_movie: true,
            flag_track_in_preview: false,
            flag_track_size_is_aspect_ratio: false,
            creation_time: Mp4FileTime::default(),
            modification_time: Mp4FileTime::default(),
            track_id: 0,
            duration: self.presented_samples,
            layer: TkhdBox::DEFAULT_LAYER,
            alternate_group: TkhdBox::DEFAULT_ALTERNATE_GROUP,
            volume: TkhdBox::DEFAULT_VIDEO_VOLUME,
            matrix: TkhdBox::DEFAULT_MATRIX,
            width: FixedPointNumber::new(0, 0),
            height: FixedPointNumber::new(0, 0),
        }
    }

    /// One edit as long as the movie, from `media_time` (in the track's own timescale) on.
    fn edit(&self, media_time: u64) -> EdtsBox {
        EdtsBox {
            elst_box: Some(ElstBox {
                entries: vec![ElstEntry {
                    edit_duration: self.presented_samples,
                    media_time: media_time as i64,
                    media_rate: FixedPointNumber::new(1, 0),
                }],
            }),
            unknown_boxes: Vec::new(),
        }
    }

    fn avc1(&self) -> Result<SampleEntry> {
        let ParameterSets { sps, pps } = self.parameter_sets;
        let &[_, profile, compatibility, level, ..] = sps.as_slice() else {
            return Err(Error::new(
                ErrorKind::Internal,
                "the video's parameter set is too short",
            ));
        };
        let mut colour = b"nclx".to_vec();
        for value in [
            COLOUR_PRIMARIES,
            TRANSFER_CHARACTERISTICS,
            MATRIX_COEFFICIENTS,
        ] {
            colour.extend_from_slice(&value.to_be_bytes());
        }
        colour.push(0); // limited range
        Ok(SampleEntry::Avc1(Avc1Box {
            visual: VisualSampleEntryFields {
                data_reference_index: NonZeroU16::MIN,
                width: self.width as u16,
                height: self.height as u16,
                horizresolution: VisualSampleEntryFields::DEFAULT_HORIZRESOLUTION,
                vertresolution: VisualSampleEntryFields::DEFAULT_VERTRESOLUTION,
                frame_count: VisualSampleEntryFields::DEFAULT_FRAME_COUNT,
                compressorname: VisualSampleEntryFields::NULL_COMPRESSORNAME,
                depth: VisualSampleEntryFields::DEFAULT_DEPTH,
            },
            avcc_box: AvccBox {
                avc_profile_indication: profile,
                profile_compatibility: compatibility,
                avc_level_indication: level,
                length_size_minus_one: Uint::new(3),
                sps_list: vec![sps.clone()],
                pps_list: vec![pps.clone()],
                chroma_format: None,
                bit_depth_luma_minus8: None,
                bit_depth_chroma_minus8: None,
                sps_ext_list: Vec::new(),
            },
            unknown_boxes: vec![raw_box(b"colr", colour)],
        }))
    }

    fn mp4a(&self) -> Result<SampleEntry> {
        let largest = self.audio.sizes.iter().copied().max().unwrap_or(0);
        let total: u64 = self.audio.sizes.iter().map(|&n| u64::from(n)).sum();
        let samples = self.audio.sizes.len() as u64 * u64::from(AAC_FRAME_SAMPLES);
        let average = total * 8 * u64::from(self.sample_rate_hz) / samples.max(1);
        let most =
            u64::from(largest) * 8 * u64::from(self.sample_rate_hz) / u64::from(AAC_FRAME_SAMPLES);
        Ok(SampleEntry::Mp4a(Mp4aBox {
            audio: AudioSampleEntryFields {
                data_reference_index: NonZeroU16::MIN,
                channelcount: 1,
                samplesize: AudioSampleEntryFields::DEFAULT_SAMPLESIZE,
                samplerate: FixedPointNumber::new(
                    u16::try_from(self.sample_rate_hz).map_err(|e| {
                        Error::new(ErrorKind::Internal, "the rate does not fit").with_source(e)
                    })?,
                    0,
                ),
            },
            esds_box: EsdsBox {
                es: EsDescriptor {
                    es_id: 0, // in a file, the track is the stream
                    stream_priority: EsDescriptor::LOWEST_STREAM_PRIORITY,
                    depends_on_es_id: None,
                    url_string: None,
                    ocr_es_id: None,
                    dec_config_descr: DecoderConfigDescriptor {
                        object_type_indication:
                            DecoderConfigDescriptor::OBJECT_TYPE_INDICATION_AUDIO_ISO_IEC_14496_3,
                        stream_type: DecoderConfigDescriptor::STREAM_TYPE_AUDIO,
                        up_stream: DecoderConfigDescriptor::UP_STREAM_FALSE,
                        buffer_size_db: Uint::new(largest),
                        max_bitrate: most as u32,
                        avg_bitrate: average as u32,
                        dec_specific_info: Some(DecoderSpecificInfo {
                            payload: self.audio_config.to_vec(),
                        }),
                    },
                    sl_config_descr: SlConfigDescriptor,
                },
            },
            unknown_boxes: Vec::new(),
        }))
    }
}
