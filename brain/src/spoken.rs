//! The text of a reply beside its sound: captions with times, and the words that were really spoken.

use crate::event::{Caption, ReplyId, Speaker};

/// A reply that is being made and spoken.
#[derive(Debug)]
pub(crate) struct Spoken {
    reply: ReplyId,
    parts: Vec<Part>,
    samples: u64,
    rate_hz: u32,
}

#[derive(Debug)]
struct Part {
    text: String,
    /// The first sample, and the one after the last.
    start: u64,
    end: Option<u64>,
}

impl Spoken {
    pub(crate) fn new(reply: ReplyId) -> Self {
        Self {
            reply,
            parts: Vec::new(),
            samples: 0,
            rate_hz: 0,
        }
    }

    /// The rate of the sound; 0 before there is any.
    pub(crate) fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    pub(crate) fn has_sound(&self) -> bool {
        self.samples > 0
    }

    pub(crate) fn ms(&self) -> u64 {
        self.to_ms(self.samples)
    }

    /// Words begin; the captions that change.
    pub(crate) fn text(&mut self, text: String) -> Vec<Caption> {
        let mut changed = self.end();
        self.parts.push(Part {
            text,
            start: self.samples,
            end: None,
        });
        changed.extend(self.caption(self.parts.len() - 1));
        changed
    }

    pub(crate) fn sound(&mut self, rate_hz: u32, samples: usize) {
        self.rate_hz = rate_hz;
        self.samples += samples as u64;
    }

    /// The words under way are complete.
    pub(crate) fn end(&mut self) -> Vec<Caption> {
        let samples = self.samples;
        match self.parts.last_mut() {
            Some(part) if part.end.is_none() => {
                part.end = Some(samples);
                self.caption(self.parts.len() - 1).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// All words.
    pub(crate) fn whole(&self) -> String {
        let texts: Vec<_> = self.parts.iter().map(|p| p.text.trim()).collect();
        texts.join(" ")
    }

    /// Cuts the text behind what had been played after `ms` milliseconds, at the end of a word. Returns
    /// the words that were spoken and the captions that change; a caption of which nothing was spoken
    /// becomes empty.
    pub(crate) fn cut(&mut self, ms: u64) -> (String, Vec<Caption>) {
        let played = ms.saturating_mul(u64::from(self.rate_hz)) / 1_000;
        let mut changed = Vec::new();
        let total = self.samples;
        for i in 0..self.parts.len() {
            let part = &mut self.parts[i];
            let end = part.end.unwrap_or(total);
            if end <= played && part.end.is_some() {
                continue;
            }
            let share = played.saturating_sub(part.start) as f64 / (end - part.start).max(1) as f64;
            let kept = words(&part.text, share.min(1.0));
            part.text = if kept.is_empty() {
                String::new()
            } else {
                format!("{kept}—")
            };
            part.end = Some(end.min(played.max(part.start)));
            changed.extend(self.caption(i));
        }
        self.parts.retain(|part| !part.text.is_empty());
        (self.whole(), changed)
    }

    fn caption(&self, part: usize) -> Option<Caption> {
        let found = self.parts.get(part)?;
        Some(Caption {
            speaker: Speaker::Avatar,
            reply: self.reply,
            part,
            text: found.text.clone(),
            start_ms: self.to_ms(found.start),
            end_ms: found.end.map(|end| self.to_ms(end)),
            r#final: found.end.is_some(),
        })
    }

    fn to_ms(&self, samples: u64) -> u64 {
        samples * 1_000 / u64::from(self.rate_hz.max(1))
    }
}

/// The words of `text` that end within `share` of it: speech takes about as long as its letters.
fn words(text: &str, share: f64) -> &str {
    let limit = (text.len() as f64 * share) as usize;
    if limit >= text.len() {
        return text.trim_end();
    }
    let ends = text.char_indices().filter(|(_, c)| c.is_whitespace());
    let end = ends.map(|(i, _)| i).take_while(|&i| i <= limit).last();
    text[..end.unwrap_or(0)].trim_end_matches([',', ';', ':', ' '])
}
