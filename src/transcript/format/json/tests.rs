use encoding_rs::UTF_8;
use proptest::prelude::*;

use super::*;
use crate::transcript::decode::SourceMap;

/// The cues of a text as `start Speaker: words`, with the maker of the format. Times are in seconds.
fn cues(text: &str) -> (&'static str, Vec<String>) {
    let mut lines = Vec::new();
    let reader = read(text, &mut |cue| lines.push(line(text, &cue))).unwrap();
    (reader.maker, lines)
}

/// Reads a whole text.
fn read(text: &str, sink: &mut dyn FnMut(Cue<'_>)) -> Result<Reader, Unknown> {
    let mut reader = Reader::new(text)?;
    let map = SourceMap::new(UTF_8, 0);
    reader.read(&Block::whole(text, &map), sink)?;
    Ok(reader)
}

fn line(text: &str, cue: &Cue) -> String {
    let mut spoken = String::new();
    let mut before = None;
    for part in &cue.text {
        let part = unescaped(part.of(text));
        if before.is_some_and(|before: Cow<str>| cue.joint.is_blank(&before, &part)) {
            spoken.push(' ');
        }
        spoken.push_str(&part);
        before = Some(part);
    }
    let start = cue
        .start
        .map(|start| format!("{:.1} ", start as f64 / 1000.0));
    let speaker = cue.speaker.as_ref().map(|name| format!("{name}: "));
    format!(
        "{}{}{}",
        start.unwrap_or_default(),
        speaker.unwrap_or_default(),
        spoken.trim()
    )
}

/// Formats with the same three sentences, the labels of the two speakers in each, and the maker.
const SHAPES_IN_THE_WILD: &[(&str, [&str; 2], &str)] = &[
    (
        "amazon-transcribe",
        ["spk_0", "spk_1"],
        r#"{"jobName": "j", "accountId": "1", "status": "COMPLETED", "results": {
        "language_code": "en-GB",
        "transcripts": [{"transcript": "Good morning, everyone. The bridge opens in May. Who pays for it?"}],
        "items": [{"id": 0, "type": "pronunciation", "alternatives": [{"confidence": "0.9", "content": "Good"}], "start_time": "0.5", "end_time": "0.8"}],
        "audio_segments": [
            {"id": 0, "transcript": "Good morning, everyone.", "start_time": "0.5", "end_time": "2.4", "speaker_label": "spk_0", "items": [0, 1]},
            {"id": 1, "transcript": "The bridge opens in May.", "start_time": "3.0", "end_time": "5.0", "speaker_label": "spk_1", "items": [2]},
            {"id": 2, "transcript": "Who pays for it?", "start_time": "5.5", "end_time": "7.0", "speaker_label": "spk_0", "items": []}]}}"#,
    ),
    // The old layout, in which only a list of turns tells who speaks.
    (
        "amazon-transcribe",
        ["spk_0", "spk_1"],
        r#"{"results": {
        "speaker_labels": {"speakers": 2, "segments": [
            {"start_time": "0.5", "end_time": "2.4", "speaker_label": "spk_0", "items": [{"start_time": "0.5", "end_time": "0.8", "speaker_label": "spk_0"}]},
            {"start_time": "3.0", "end_time": "5.0", "speaker_label": "spk_1", "items": []},
            {"start_time": "5.5", "end_time": "7.0", "speaker_label": "spk_0", "items": []}]},
        "transcripts": [{"transcript": "Good morning, everyone. The bridge opens in May. Who pays for it?"}],
        "items": [
            {"start_time": "0.5", "end_time": "0.8", "alternatives": [{"confidence": "0.9", "content": "Good"}], "type": "pronunciation"},
            {"start_time": "0.9", "end_time": "1.3", "alternatives": [{"confidence": "0.9", "content": "morning"}], "type": "pronunciation"},
            {"alternatives": [{"confidence": "0.0", "content": ","}], "type": "punctuation"},
            {"start_time": "1.4", "end_time": "2.4", "alternatives": [{"confidence": "0.9", "content": "everyone"}], "type": "pronunciation"},
            {"alternatives": [{"confidence": "0.0", "content": "."}], "type": "punctuation"},
            {"start_time": "3.0", "end_time": "3.2", "alternatives": [{"confidence": "0.9", "content": "The"}], "type": "pronunciation"},
            {"start_time": "3.2", "end_time": "3.7", "alternatives": [{"confidence": "0.9", "content": "bridge"}], "type": "pronunciation"},
            {"start_time": "3.7", "end_time": "4.2", "alternatives": [{"confidence": "0.9", "content": "opens"}], "type": "pronunciation"},
            {"start_time": "4.2", "end_time": "4.4", "alternatives": [{"confidence": "0.9", "content": "in"}], "type": "pronunciation"},
            {"start_time": "4.4", "end_time": "5.0", "alternatives": [{"confidence": "0.9", "content": "May"}], "type": "pronunciation"},
            {"alternatives": [{"confidence": "0.0", "content": "."}], "type": "punctuation"},
            {"start_time": "5.5", "end_time": "5.8", "alternatives": [{"confidence": "0.9", "content": "Who"}], "type": "pronunciation"},
            {"start_time": "5.8", "end_time": "6.2", "alternatives": [{"confidence": "0.9", "content": "pays"}], "type": "pronunciation"},
            {"start_time": "6.2", "end_time": "6.5", "alternatives": [{"confidence": "0.9", "content": "for"}], "type": "pronunciation"},
            {"start_time": "6.5", "end_time": "7.0", "alternatives": [{"confidence": "0.9", "content": "it"}], "type": "pronunciation"},
            {"alternatives": [{"confidence": "0.0", "content": "?"}], "type": "punctuation"}]}}"#,
    ),
    (
        "amazon-transcribe",
        ["ch_0", "ch_1"],
        r#"{"results": {
        "channel_labels": {"number_of_channels": 2, "channels": [
            {"channel_label": "ch_0", "items": [
                {"start_time": "0.5", "end_time": "1.3", "alternatives": [{"confidence": "0.9", "content": "Good"}], "type": "pronunciation"},
                {"start_time": "1.3", "end_time": "2.3", "alternatives": [{"confidence": "0.9", "content": "morning"}], "type": "pronunciation"},
                {"alternatives": [{"content": ","}], "type": "punctuation"},
                {"start_time": "2.3", "end_time": "2.4", "alternatives": [{"confidence": "0.9", "content": "everyone"}], "type": "pronunciation"},
                {"alternatives": [{"content": "."}], "type": "punctuation"},
                {"start_time": "5.5", "end_time": "6.2", "alternatives": [{"content": "Who"}], "type": "pronunciation"},
                {"start_time": "6.2", "end_time": "6.4", "alternatives": [{"content": "pays"}], "type": "pronunciation"},
                {"start_time": "6.4", "end_time": "6.6", "alternatives": [{"content": "for"}], "type": "pronunciation"},
                {"start_time": "6.6", "end_time": "7.0", "alternatives": [{"content": "it"}], "type": "pronunciation"},
                {"alternatives": [{"content": "?"}], "type": "punctuation"}]},
            {"channel_label": "ch_1", "items": [
                {"start_time": "3.0", "end_time": "3.4", "alternatives": [{"content": "The"}], "type": "pronunciation"},
                {"start_time": "3.4", "end_time": "3.9", "alternatives": [{"content": "bridge"}], "type": "pronunciation"},
                {"start_time": "3.9", "end_time": "4.4", "alternatives": [{"content": "opens"}], "type": "pronunciation"},
                {"start_time": "4.4", "end_time": "4.5", "alternatives": [{"content": "in"}], "type": "pronunciation"},
                {"start_time": "4.5", "end_time": "5.0", "alternatives": [{"content": "May"}], "type": "pronunciation"},
                {"alternatives": [{"content": "."}], "type": "punctuation"}]}]},
        "items": [{"start_time": "0.5", "end_time": "1.3", "alternatives": [{"content": "Good"}], "type": "pronunciation"}],
        "transcripts": [{"transcript": "Good morning, everyone."}]}}"#,
    ),
    (
        "amazon-call-analytics",
        ["AGENT", "CUSTOMER"],
        r#"{"JobStatus": "COMPLETED", "LanguageCode": "en-US", "Participants": [{"ParticipantRole": "AGENT"}],
        "Transcript": [
            {"Id": "a", "ParticipantRole": "AGENT", "Content": "Good morning, everyone.", "BeginOffsetMillis": 500, "EndOffsetMillis": 2400, "Sentiment": "NEUTRAL", "LoudnessScores": [78.6],
             "Items": [{"Type": "pronunciation", "Content": "Good", "BeginOffsetMillis": 500, "EndOffsetMillis": 800, "Confidence": "0.9"}]},
            {"Id": "b", "ParticipantRole": "CUSTOMER", "Content": "The bridge opens in May.", "BeginOffsetMillis": 3000, "EndOffsetMillis": 5000},
            {"Id": "c", "ParticipantRole": "AGENT", "Content": "Who pays for it?", "BeginOffsetMillis": 5500, "EndOffsetMillis": 7000}]}"#,
    ),
    (
        "amazon-transcribe-streaming",
        ["Channel 0", "Channel 1"],
        r#"{"Transcript": {"Results": [{"Alternatives": [{"Transcript": "Good mourning"}], "StartTime": 0.5, "EndTime": 1.1, "IsPartial": true, "ChannelId": "0"}]}}
        {"Transcript": {"Results": [{"Alternatives": [{"Transcript": "Good morning, everyone."}], "StartTime": 0.5, "EndTime": 2.4, "IsPartial": false, "ChannelId": "0"}]}}
        {"Transcript": {"Results": [{"Alternatives": [{"Transcript": "The bridge opens in May."}], "StartTime": 3.0, "EndTime": 5.0, "IsPartial": false, "ChannelId": "1"}]}}
        {"Transcript": {"Results": [{"Alternatives": [{"Transcript": "Who pays for it?"}], "StartTime": 5.5, "EndTime": 7.0, "IsPartial": false, "ChannelId": "0"}]}}"#,
    ),
    // WhisperX, and the answer of a RunPod worker.
    (
        "whisper",
        ["SPEAKER_00", "SPEAKER_01"],
        r#"{"segments": [
            {"start": 0.5, "end": 2.4, "text": " Good morning, everyone.", "speaker": "SPEAKER_00", "words": [{"word": "Good", "start": 0.5, "end": 0.8, "score": 0.9, "speaker": "SPEAKER_00"}, {"word": "2,000"}]},
            {"start": 3.0, "end": 5.0, "text": " The bridge opens in May.", "speaker": "SPEAKER_01"},
            {"start": 5.5, "end": 7.0, "text": " Who pays for it?", "speaker": "SPEAKER_00"}],
        "word_segments": [{"word": "Good", "start": 0.5, "end": 0.8, "speaker": "SPEAKER_00"}], "language": "en"}"#,
    ),
    (
        "whisper",
        ["Speaker A", "Speaker B"],
        r#"{"delayTime": 20, "id": "x", "status": "COMPLETED", "output": {"detected_language": "en", "device": "cuda",
        "segments": [
            {"id": 1, "seek": 0, "start": 0.5, "end": 2.4, "text": " Good morning, everyone.", "tokens": [50364, 2205], "avg_logprob": NaN, "speaker": "A"},
            {"id": 2, "seek": 0, "start": 3, "end": 5, "text": " The bridge opens in May.", "speaker": "B"},
            {"id": 3, "seek": 0, "start": 5.5, "end": 7, "text": " Who pays for it?", "speaker": "A"}],
        "transcription": " Good morning, everyone. The bridge opens in May. Who pays for it?", "translation": null}}"#,
    ),
    (
        "whisper.cpp",
        ["", ""],
        r#"{"systeminfo": "AVX", "params": {"language": "en"}, "result": {"language": "en"}, "transcription": [
        {"timestamps": {"from": "00:00:00,500", "to": "00:00:02,400"}, "offsets": {"from": 500, "to": 2400}, "text": " Good morning, everyone."},
        {"timestamps": {"from": "00:00:03,000", "to": "00:00:05,000"}, "offsets": {"from": 3000, "to": 5000}, "text": " The bridge opens in May."},
        {"timestamps": {"from": "00:00:05,500", "to": "00:00:07,000"}, "offsets": {"from": 5500, "to": 7000}, "text": " Who pays for it?"}]}"#,
    ),
    (
        "hugging-face",
        ["", ""],
        r#"{"text": " Good morning, everyone. The bridge opens in May. Who pays for it?", "chunks": [
        {"text": " Good morning, everyone.", "timestamp": [0.5, 2.4]}, {"timestamp": [3.0, 5.0], "text": " The bridge opens in May."},
        {"timestamp": [5.5, null], "text": " Who pays for it?"}]}"#,
    ),
    (
        "deepgram",
        ["Speaker 0", "Speaker 1"],
        r#"{"metadata": {"channels": 1, "duration": 7.0}, "results": {
        "channels": [{"alternatives": [{"transcript": "good morning everyone the bridge opens in may who pays for it", "confidence": 0.99, "words": [{"word": "good", "start": 0.5, "end": 0.8}]}], "detected_language": "en"}],
        "utterances": [
            {"start": 0.5, "end": 2.4, "confidence": 0.98, "channel": 0, "transcript": "Good morning, everyone.", "words": [{"word": "good", "punctuated_word": "Good", "start": 0.5, "end": 0.8, "speaker": 0}], "speaker": 0, "id": "u"},
            {"start": 3.0, "end": 5.0, "confidence": 0.98, "channel": 0, "transcript": "The bridge opens in May.", "words": [], "speaker": 1},
            {"start": 5.5, "end": 7.0, "confidence": 0.98, "channel": 0, "transcript": "Who pays for it?", "words": [], "speaker": 0}]}}"#,
    ),
    (
        "deepgram",
        ["Speaker 0", "Speaker 1"],
        r#"{"metadata": {"channels": 1}, "results": {"channels": [{"alternatives": [{
        "transcript": "Good morning, everyone. The bridge opens in May. Who pays for it?", "words": [{"word": "good", "punctuated_word": "Good", "start": 0.5, "end": 0.8, "speaker": 0}],
        "paragraphs": {"transcript": "\nSpeaker 0: Good morning, everyone.\n", "paragraphs": [
            {"sentences": [{"text": "Good morning, everyone.", "start": 0.5, "end": 2.4}], "num_words": 3, "start": 0.5, "end": 2.4, "speaker": 0},
            {"sentences": [{"text": "The bridge opens in May.", "start": 3.0, "end": 5.0}], "num_words": 5, "start": 3.0, "end": 5.0, "speaker": 1},
            {"sentences": [{"text": "Who pays for it?", "start": 5.5, "end": 7.0}], "num_words": 4, "start": 5.5, "end": 7.0, "speaker": 0}]}}]}]}}"#,
    ),
    (
        "deepgram",
        ["Channel 0", "Channel 1"],
        r#"{"metadata": {"channels": 2}, "results": {"channels": [
        {"alternatives": [{"transcript": "Good morning, everyone. Who pays for it?", "words": [
            {"word": "good", "punctuated_word": "Good", "start": 0.5, "end": 0.8}, {"word": "morning", "punctuated_word": "morning,", "start": 0.8, "end": 1.2},
            {"word": "everyone", "punctuated_word": "everyone.", "start": 1.2, "end": 2.4}, {"word": "who", "punctuated_word": "Who", "start": 5.5, "end": 5.8},
            {"word": "pays", "punctuated_word": "pays", "start": 5.8, "end": 6.2}, {"word": "for", "punctuated_word": "for", "start": 6.2, "end": 6.5},
            {"word": "it", "punctuated_word": "it?", "start": 6.5, "end": 7.0}]}, {"transcript": "Could morning", "words": [{"word": "could", "start": 0.5, "end": 0.8}]}]},
        {"alternatives": [{"transcript": "The bridge opens in May.", "words": [
            {"word": "the", "punctuated_word": "The", "start": 3.0, "end": 3.2}, {"word": "bridge", "punctuated_word": "bridge", "start": 3.2, "end": 3.7},
            {"word": "opens", "punctuated_word": "opens", "start": 3.7, "end": 4.2}, {"word": "in", "punctuated_word": "in", "start": 4.2, "end": 4.4},
            {"word": "may", "punctuated_word": "May.", "start": 4.4, "end": 5.0}]}]}]}}"#,
    ),
    (
        "assemblyai",
        ["Speaker A", "Speaker B"],
        r#"{"id": "t", "language_code": "en_us", "status": "completed", "text": "Good morning, everyone. The bridge opens in May. Who pays for it?",
        "words": [{"text": "Good", "start": 500, "end": 800, "confidence": 0.9, "speaker": "A"}],
        "utterances": [
            {"confidence": 0.97, "end": 2400, "speaker": "A", "start": 500, "text": "Good morning, everyone.", "words": [{"text": "Good", "start": 500, "end": 800, "confidence": 0.9, "speaker": "A"}]},
            {"confidence": 0.97, "end": 5000, "speaker": "B", "start": 3000, "text": "The bridge opens in May.", "words": []},
            {"confidence": 0.97, "end": 7000, "speaker": "A", "start": 5500, "text": "Who pays for it?", "words": []}],
        "confidence": 0.96, "audio_duration": 7}"#,
    ),
    (
        "assemblyai",
        ["Speaker A", "Speaker B"],
        r#"{"text": "Good morning, everyone. The bridge opens in May. Who pays for it?", "utterances": null, "audio_duration": 7, "words": [
        {"text": "Good", "start": 500, "end": 800, "speaker": "A"}, {"text": "morning,", "start": 800, "end": 1200, "speaker": "A"}, {"text": "everyone.", "start": 1200, "end": 2400, "speaker": "A"},
        {"text": "The", "start": 3000, "end": 3200, "speaker": "B"}, {"text": "bridge", "start": 3200, "end": 3700, "speaker": "B"}, {"text": "opens", "start": 3700, "end": 4200, "speaker": "B"},
        {"text": "in", "start": 4200, "end": 4400, "speaker": "B"}, {"text": "May.", "start": 4400, "end": 5000, "speaker": "B"}, {"text": "Who", "start": 5500, "end": 5800, "speaker": "A"},
        {"text": "pays", "start": 5800, "end": 6200, "speaker": "A"}, {"text": "for", "start": 6200, "end": 6500, "speaker": "A"}, {"text": "it?", "start": 6500, "end": 7000, "speaker": "A"}]}"#,
    ),
    (
        "gladia",
        ["Speaker 0", "Speaker 1"],
        r#"{"id": "g", "status": "done", "result": {"metadata": {"audio_duration": 7.0}, "transcription": {"languages": ["en"], "full_transcript": "Good …", "utterances": [
        {"text": "Good morning, everyone.", "language": "en", "start": 0.5, "end": 2.4, "confidence": 0.9, "channel": 0, "speaker": 0, "words": [{"word": "Good", "start": 0.5, "end": 0.8}]},
        {"text": "The bridge opens in May.", "start": 3.0, "end": 5.0, "channel": 0, "speaker": 1}, {"text": "Who pays for it?", "start": 5.5, "end": 7.0, "channel": 0, "speaker": 0}]}}}"#,
    ),
    // Google repeats all words with their speakers at the end.
    (
        "google-speech",
        ["Speaker 1", "Speaker 2"],
        r#"{"name": "1", "done": true, "response": {"results": [
        {"alternatives": [{"transcript": "Good morning, everyone.", "confidence": 0.9, "words": [{"startTime": "0.500s", "endTime": "2.400s", "word": "Good"}]}], "resultEndTime": "2.400s", "languageCode": "en-us"},
        {"alternatives": [{"transcript": " The bridge opens in May. Who pays for it?", "words": [{"startTime": "3s", "endTime": "5s", "word": "The"}]}], "resultEndTime": "7s"},
        {"alternatives": [{"words": [
            {"startTime": "0.500s", "endTime": "0.800s", "word": "Good", "speakerTag": 1}, {"startTime": "0.800s", "endTime": "1.200s", "word": "morning,", "speakerTag": 1},
            {"startTime": "1.200s", "endTime": "2.400s", "word": "everyone.", "speakerTag": 1}, {"startTime": "3s", "endTime": "3.200s", "word": "The", "speakerTag": 2},
            {"startTime": "3.200s", "endTime": "3.700s", "word": "bridge", "speakerTag": 2}, {"startTime": "3.700s", "endTime": "4.200s", "word": "opens", "speakerTag": 2},
            {"startTime": "4.200s", "endTime": "4.400s", "word": "in", "speakerTag": 2}, {"startTime": "4.400s", "endTime": "5s", "word": "May.", "speakerTag": 2},
            {"startTime": "5.500s", "endTime": "5.800s", "word": "Who", "speakerTag": 1}, {"startTime": "5.800s", "endTime": "6.200s", "word": "pays", "speakerTag": 1},
            {"startTime": "6.200s", "endTime": "6.500s", "word": "for", "speakerTag": 1}, {"startTime": "6.500s", "endTime": "7s", "word": "it?", "speakerTag": 1}]}], "resultEndTime": "7s"}]}}"#,
    ),
    (
        "google-speech",
        ["", ""],
        r#"{"results": [
        {"alternatives": [{"transcript": "Good morning, everyone.", "confidence": 0.9, "words": [{"start_time": {"seconds": "0", "nanos": 500000000}, "end_time": {"seconds": 2, "nanos": 400000000}, "word": "Good"}]}, {"transcript": "Could morning"}]},
        {"alternatives": [{"transcript": " The bridge opens in May.", "words": [{"startOffset": "3s", "endOffset": "5s", "word": "The"}]}], "resultEndOffset": "5s", "languageCode": "en-us"},
        {"alternatives": [{"transcript": " Who pays for it?", "words": [{"startOffset": "5.5s", "endOffset": "7s", "word": "Who"}]}], "resultEndOffset": "7s"}]}"#,
    ),
    (
        "watson",
        ["Speaker 0", "Speaker 1"],
        r#"{"result_index": 0, "results": [
        {"final": true, "alternatives": [{"transcript": "Good morning, everyone. ", "timestamps": [["Good", 0.5, 0.8], ["everyone", 1.2, 2.4]], "confidence": 0.9}]},
        {"final": true, "alternatives": [{"transcript": "The bridge opens in May. ", "timestamps": [["The", 3.0, 3.2], ["May", 4.4, 5.0]], "confidence": 0.9}]},
        {"final": true, "alternatives": [{"transcript": "Who pays for it? ", "timestamps": [["Who", 5.5, 5.8], ["it", 6.5, 7.0]], "confidence": 0.9}]}],
        "speaker_labels": [{"from": 0.5, "to": 0.8, "speaker": 0, "confidence": 0.6, "final": false}, {"from": 3.0, "to": 3.2, "speaker": 1, "final": false}, {"from": 5.5, "to": 5.8, "speaker": 0, "final": true}]}"#,
    ),
    (
        "azure-speech",
        ["Speaker 1", "Speaker 2"],
        r#"{"source": "https://x", "timestamp": "2026-01-05T10:00:00Z", "durationInTicks": 70000000, "combinedRecognizedPhrases": [{"channel": 0, "display": "Good morning, everyone. The bridge opens in May."}],
        "recognizedPhrases": [
            {"recognitionStatus": "Success", "channel": 0, "speaker": 1, "offset": "PT0.5S", "duration": "PT1.9S", "offsetInTicks": 5000000.0, "durationInTicks": 19000000.0,
             "nBest": [{"confidence": 0.92, "lexical": "good morning everyone", "itn": "good morning everyone", "maskedITN": "good morning everyone", "display": "Good morning, everyone."}, {"confidence": 0.5, "display": "Good mourning."}]},
            {"recognitionStatus": "Success", "channel": 0, "speaker": 2, "offset": "PT3S", "duration": "PT2S", "offsetInTicks": 30000000.0, "durationInTicks": 20000000.0, "nBest": [{"confidence": 0.92, "lexical": "the bridge", "display": "The bridge opens in May."}]},
            {"recognitionStatus": "Success", "channel": 0, "speaker": 1, "offset": "PT5.5S", "duration": "PT1.5S", "offsetInTicks": 55000000.0, "durationInTicks": 15000000.0, "nBest": [{"confidence": 0.92, "display": "Who pays for it?"}]}]}"#,
    ),
    (
        "azure-speech",
        ["Speaker 1", "Speaker 2"],
        r#"{"durationMilliseconds": 7000, "combinedPhrases": [{"text": "Good morning, everyone. The bridge opens in May. Who pays for it?"}], "phrases": [
        {"speaker": 1, "offsetMilliseconds": 500, "durationMilliseconds": 1900, "text": "Good morning, everyone.", "words": [{"text": "Good", "offsetMilliseconds": 500, "durationMilliseconds": 300}], "locale": "en-US", "confidence": 0.9},
        {"speaker": 2, "offsetMilliseconds": 3000, "durationMilliseconds": 2000, "text": "The bridge opens in May."}, {"speaker": 1, "offsetMilliseconds": 5500, "durationMilliseconds": 1500, "text": "Who pays for it?"}]}"#,
    ),
    (
        "azure-video-indexer",
        ["Ana", "Ben"],
        r##"{"videos": [{"insights": {"transcript": [
        {"id": 1, "text": "Good morning, everyone.", "confidence": 0.9, "speakerId": 1, "language": "en-US", "instances": [{"adjustedStart": "0:00:00.5", "adjustedEnd": "0:00:02.4", "start": "0:00:00.5", "end": "0:00:02.4"}]},
        {"id": 2, "text": "The bridge opens in May.", "confidence": 0.9, "speakerId": 2, "instances": [{"start": "0:00:03", "end": "0:00:05"}]},
        {"id": 3, "text": "Who pays for it?", "confidence": 0.9, "speakerId": 1, "instances": [{"start": "0:00:05.5", "end": "0:00:07"}]}],
        "speakers": [{"id": 1, "name": "Ana", "instances": [{"start": "0:00:00.5", "end": "0:00:02.4"}]}, {"id": 2, "name": "Ben"}]}}]}"##,
    ),
    (
        "youtube",
        ["", ""],
        r#"{"wireMagic": "pb3", "pens": [{}], "events": [{"tStartMs": 0, "dDurationMs": 9000, "id": 1, "wpWinPosId": 1}, {"tStartMs": 0, "dDurationMs": 2},
        {"tStartMs": 500, "dDurationMs": 1900, "wWinId": 1, "segs": [{"utf8": "Good", "acAsrConf": 0}, {"utf8": " morning,", "tOffsetMs": 300}, {"utf8": " everyone."}]},
        {"tStartMs": 2400, "dDurationMs": 10, "wWinId": 1, "aAppend": 1, "segs": [{"utf8": "\n"}]},
        {"tStartMs": 3000, "dDurationMs": 2000, "segs": [{"utf8": "The bridge opens in May."}]}, {"tStartMs": 5500, "dDurationMs": 1500, "segs": [{"utf8": "Who pays"}, {"utf8": " for it?"}]}]}"#,
    ),
    (
        "rev",
        ["Speaker 0", "Speaker 1"],
        r#"{"monologues": [
        {"speaker": 0, "elements": [{"type": "text", "value": "Good", "ts": 0.5, "end_ts": 0.8, "confidence": 0.9}, {"type": "punct", "value": " "}, {"type": "text", "value": "morning", "ts": 0.8, "end_ts": 1.2}, {"type": "punct", "value": ","}, {"type": "punct", "value": " "}, {"type": "text", "value": "everyone", "ts": 1.2, "end_ts": 2.4}, {"type": "punct", "value": "."}]},
        {"speaker": 1, "elements": [{"type": "text", "value": "The", "ts": 3.0, "end_ts": 3.2}, {"type": "punct", "value": " "}, {"type": "text", "value": "bridge", "ts": 3.2, "end_ts": 3.7}, {"type": "punct", "value": " "}, {"type": "text", "value": "opens", "ts": 3.7, "end_ts": 4.2}, {"type": "punct", "value": " "}, {"type": "text", "value": "in", "ts": 4.2, "end_ts": 4.4}, {"type": "punct", "value": " "}, {"type": "text", "value": "May", "ts": 4.4, "end_ts": 5.0}, {"type": "punct", "value": "."}]},
        {"speaker": 0, "elements": [{"type": "text", "value": "Who", "ts": 5.5, "end_ts": 5.8}, {"type": "punct", "value": " "}, {"type": "text", "value": "pays", "ts": 5.8, "end_ts": 6.2}, {"type": "punct", "value": " "}, {"type": "text", "value": "for", "ts": 6.2, "end_ts": 6.5}, {"type": "punct", "value": " "}, {"type": "text", "value": "it", "ts": 6.5, "end_ts": 7.0}, {"type": "punct", "value": "?"}]}]}"#,
    ),
    (
        "speechmatics",
        ["S1", "S2"],
        r#"{"format": "2.9", "metadata": {"type": "transcription", "transcription_config": {"language": "en", "diarization": "speaker"}}, "results": [
        {"alternatives": [{"confidence": 0.9, "content": "Good", "language": "en", "speaker": "S1"}], "start_time": 0.5, "end_time": 0.8, "type": "word"}, {"alternatives": [{"content": "morning", "speaker": "S1"}], "start_time": 0.8, "end_time": 1.2, "type": "word"},
        {"alternatives": [{"content": ",", "speaker": "S1"}], "attaches_to": "previous", "start_time": 1.2, "end_time": 1.2, "type": "punctuation"}, {"alternatives": [{"content": "everyone", "speaker": "S1"}], "start_time": 1.2, "end_time": 2.4, "type": "word"},
        {"alternatives": [{"content": ".", "speaker": "S1"}], "attaches_to": "previous", "is_eos": true, "start_time": 2.4, "end_time": 2.4, "type": "punctuation"},
        {"alternatives": [{"content": "The", "speaker": "S2"}], "start_time": 3.0, "end_time": 3.2, "type": "word"}, {"alternatives": [{"content": "bridge", "speaker": "S2"}], "start_time": 3.2, "end_time": 3.7, "type": "word"},
        {"alternatives": [{"content": "opens", "speaker": "S2"}], "start_time": 3.7, "end_time": 4.2, "type": "word"}, {"alternatives": [{"content": "in", "speaker": "S2"}], "start_time": 4.2, "end_time": 4.4, "type": "word"},
        {"alternatives": [{"content": "May", "speaker": "S2"}], "start_time": 4.4, "end_time": 5.0, "type": "word"}, {"alternatives": [{"content": ".", "speaker": "S2"}], "start_time": 5.0, "end_time": 5.0, "type": "punctuation"},
        {"alternatives": [{"content": "Who", "speaker": "S1"}], "start_time": 5.5, "end_time": 5.8, "type": "word"}, {"alternatives": [{"content": "pays", "speaker": "S1"}], "start_time": 5.8, "end_time": 6.2, "type": "word"},
        {"alternatives": [{"content": "for", "speaker": "S1"}], "start_time": 6.2, "end_time": 6.5, "type": "word"}, {"alternatives": [{"content": "it", "speaker": "S1"}], "start_time": 6.5, "end_time": 7.0, "type": "word"},
        {"alternatives": [{"content": "?", "speaker": "S1"}], "start_time": 7.0, "end_time": 7.0, "type": "punctuation"}]}"#,
    ),
    (
        "elevenlabs",
        ["speaker_0", "speaker_1"],
        r#"{"language_code": "eng", "language_probability": 0.98, "text": "Good morning, everyone. The bridge opens in May. Who pays for it?", "words": [
        {"text": "Good", "start": 0.5, "end": 0.8, "type": "word", "speaker_id": "speaker_0"}, {"text": " ", "start": 0.8, "end": 0.8, "type": "spacing", "speaker_id": "speaker_0"},
        {"text": "morning,", "start": 0.8, "end": 1.2, "type": "word", "speaker_id": "speaker_0"}, {"text": " ", "start": 1.2, "end": 1.2, "type": "spacing", "speaker_id": "speaker_0"},
        {"text": "everyone.", "start": 1.2, "end": 2.4, "type": "word", "speaker_id": "speaker_0"}, {"text": " ", "start": 2.4, "end": 3.0, "type": "spacing", "speaker_id": "speaker_0"},
        {"text": "The bridge", "start": 3.0, "end": 3.7, "type": "word", "speaker_id": "speaker_1"}, {"text": " ", "start": 3.7, "end": 3.7, "type": "spacing", "speaker_id": "speaker_1"},
        {"text": "opens", "start": 3.7, "end": 4.2, "type": "word", "speaker_id": "speaker_1"}, {"text": " ", "start": 4.2, "end": 4.2, "type": "spacing", "speaker_id": "speaker_1"},
        {"text": "in May.", "start": 4.2, "end": 5.0, "type": "word", "speaker_id": "speaker_1"}, {"text": " ", "start": 5.0, "end": 5.5, "type": "spacing", "speaker_id": "speaker_1"},
        {"text": "Who", "start": 5.5, "end": 5.8, "type": "word", "speaker_id": "speaker_0"}, {"text": " ", "type": "spacing"}, {"text": "pays", "start": 5.8, "end": 6.2, "type": "word", "speaker_id": "speaker_0"}, {"text": " ", "type": "spacing"},
        {"text": "for", "start": 6.2, "end": 6.5, "type": "word", "speaker_id": "speaker_0"}, {"text": " ", "type": "spacing"}, {"text": "it?", "start": 6.5, "end": 7.0, "type": "word", "speaker_id": "speaker_0"}]}"#,
    ),
    (
        "soniox",
        ["Speaker 1", "Speaker 2"],
        r#"{"id": "s", "text": "Good morning", "tokens": [
        {"text": "Good", "start_ms": 500, "end_ms": 800, "speaker": "1"}, {"text": " mor", "start_ms": 800, "end_ms": 1000, "speaker": "1"}, {"text": "ning,", "start_ms": 1000, "end_ms": 1200, "speaker": "1"}, {"text": " every", "start_ms": 1200, "end_ms": 1600, "speaker": "1"}, {"text": "one", "start_ms": 1600, "end_ms": 2400, "speaker": "1"}, {"text": ".", "start_ms": 2400, "end_ms": 2400, "speaker": "1"},
        {"text": " The", "start_ms": 3000, "end_ms": 3200, "speaker": "2"}, {"text": " bridge", "start_ms": 3200, "end_ms": 3700, "speaker": "2"}, {"text": " opens", "start_ms": 3700, "end_ms": 4200, "speaker": "2"}, {"text": " in", "start_ms": 4200, "end_ms": 4400, "speaker": "2"}, {"text": " May", "start_ms": 4400, "end_ms": 5000, "speaker": "2"}, {"text": ".", "start_ms": 5000, "end_ms": 5000, "speaker": "2"},
        {"text": " Who", "start_ms": 5500, "end_ms": 5800, "speaker": "1"}, {"text": " pays", "start_ms": 5800, "end_ms": 6200, "speaker": "1"}, {"text": " for", "start_ms": 6200, "end_ms": 6500, "speaker": "1"}, {"text": " it", "start_ms": 6500, "end_ms": 7000, "speaker": "1"}, {"text": "?", "start_ms": 7000, "end_ms": 7000, "speaker": "1"}]}"#,
    ),
    (
        "podcast",
        ["Ana", "Ben"],
        r#"{"version": "1.0.0", "segments": [{"speaker": "Ana", "startTime": 0.5, "endTime": 2.4, "body": "Good morning, everyone."},
        {"speaker": "Ben", "startTime": 3, "endTime": 5, "body": "The bridge opens in May."}, {"speaker": "Ana", "startTime": 5.5, "endTime": 7, "body": "Who pays for it?"}]}"#,
    ),
    // Meeting tools: Fireflies, Fathom, Recall, Teams, Read, chats; and lists of objects.
    (
        "json",
        ["Ana", "Ben"],
        r#"{"data": {"transcript": {"title": "Weekly", "sentences": [{"index": 0, "speaker_name": "Ana", "speaker_id": 0, "text": "Good morning, everyone.", "raw_text": "good morning", "start_time": 0.5, "end_time": 2.4},
        {"speaker_name": "Ben", "speaker_id": 1, "text": "The bridge opens in May.", "start_time": 3.0}, {"speaker_name": "Ana", "speaker_id": 0, "text": "Who pays for it?", "start_time": 5.5}]}}}"#,
    ),
    (
        "json",
        ["Ana", "Ben"],
        r#"{"title": "Call", "transcript": [{"speaker": {"display_name": "Ana", "matched_calendar_invitee_email": null}, "text": "Good morning, everyone.", "timestamp": "00:00:00.5"},
        {"speaker": {"display_name": "Ben"}, "text": "The bridge opens in May.", "timestamp": "00:00:03"}, {"speaker": {"display_name": "Ana"}, "text": "Who pays for it?", "timestamp": "00:00:05.5"}]}"#,
    ),
    (
        "json",
        ["Ana", "Ben"],
        r#"[{"participant": {"id": 7, "name": "Ana", "is_host": true}, "words": [{"text": "Good morning, everyone.", "start_timestamp": {"relative": 0.5, "absolute": "2026-01-05T10:00:00.5Z"}, "end_timestamp": {"relative": 2.4}}]},
        {"participant": {"id": 8, "name": "Ben"}, "words": [{"text": "The", "start_timestamp": {"relative": 3.0}}, {"text": "bridge", "start_timestamp": {"relative": 3.2}}, {"text": "opens in May.", "start_timestamp": {"relative": 3.7}}]},
        {"participant": {"id": 7, "name": "Ana"}, "words": [{"text": "Who pays for it?", "start_timestamp": {"relative": 5.5}}]}]"#,
    ),
    (
        "json",
        ["Ana", "Ben"],
        r#"{"$schema": "x", "version": "1.0", "type": "Transcript", "entries": [{"id": "a", "speakerDisplayName": "Ana", "speakerId": "u1", "text": "Good morning, everyone.", "confidence": 0.8, "startOffset": "00:00:00.5000000", "endOffset": "00:00:02.4"},
        {"speakerDisplayName": "Ben", "text": "The bridge opens in May.", "startOffset": "00:00:03", "endOffset": "00:00:05"}, {"speakerDisplayName": "Ana", "text": "Who pays for it?", "startOffset": "00:00:05.5000000"}]}"#,
    ),
    // Of a recording in Zoom, whose entries may have several people.
    (
        "json",
        ["Ana", "Ben"],
        r#"{"timeline": [{"text": "Good morning, everyone.", "ts": "00:00:00.500", "end_ts": "00:00:02.400", "users": [{"username": "Ana", "zoom_userid": "x"}, {"username": "Ben", "zoom_userid": "x"}]},
        {"text": "The bridge opens in May.", "ts": "00:00:03.000", "end_ts": "00:00:05.000", "users": [{"username": "Ben", "zoom_userid": "x"}]}, {"text": "Who pays for it?", "ts": "00:00:05.500", "end_ts": "00:00:07.000", "users": [{"username": "Ana", "zoom_userid": "x"}]}]}"#,
    ),
    (
        "json",
        ["Ana", "Ben"],
        r#"{"speaker":"Ana","text":"Good morning, everyone.","start":0.5}
{"speaker":"Ben","text":"The bridge opens in May.","start":3.0}
{"speaker":"Ana","text":"Who pays for it?","start":5.5}
"#,
    ),
    (
        "json",
        ["Ana", "Ben"],
        r#"[{"Sprecher": "Ana", "Text": "Good morning, everyone.", "Beginn": "0,5"}, {"Sprecher": "Ben", "Text": "The bridge opens in May.", "Beginn": "00:03"}, {"Sprecher": "Ana", "Text": "Who pays for it?", "Beginn": "00:00:05,5"}]"#,
    ),
    (
        "json",
        ["Ana", "Ben"],
        r#"[{"start": 500, "end": 2400, "speaker": "Ana", "text": "Good morning, everyone."}, {"start": 3000, "end": 5000, "speaker": "Ben", "text": "The bridge opens in May."}, {"start": 5500, "end": 7000, "speaker": "Ana", "text": "Who pays for it?"}]"#,
    ),
];

#[test]
fn every_format_tells_the_same_dialogue() {
    for (maker, [one, two], text) in SHAPES_IN_THE_WILD {
        let label = |name: &str| {
            if name.is_empty() {
                String::new()
            } else {
                format!("{name}: ")
            }
        };
        let expected = [
            format!("0.5 {}Good morning, everyone.", label(one)),
            format!("3.0 {}The bridge opens in May.", label(two)),
            format!("5.5 {}Who pays for it?", label(one)),
        ];
        assert!(is_json(text), "{text}");
        assert_eq!(cues(text), (*maker, expected.to_vec()), "{text}");
    }
}

/// The error message for a text.
fn refused(text: &str) -> String {
    read(text, &mut |cue| panic!("{cue:?}"))
        .unwrap_err()
        .to_string()
}

#[test]
fn json_of_another_kind_is_refused_by_name() {
    for (text, message) in [
        (
            r#"{"name": "x", "version": "1.0", "dependencies": {"a": "1"}}"#,
            "its top-level members are name, version, dependencies;",
        ),
        (
            r#"[{"lat": 1, "lon": 2}]"#,
            "its top-level members are lat, lon;",
        ),
        (
            r#"{"error": {"message": "Not found"}}"#,
            "its top-level members are error;",
        ),
        (
            r#"{"users": [{"name": "Ana", "value": "3"}]}"#,
            "its top-level members are users;",
        ),
        ("[1, 2, 3]", "it has no members"),
        ("{}", "it has no members"),
        ("[]", "it has no members"),
    ] {
        assert!(refused(text).contains(message), "{}", refused(text));
    }
}

#[test]
fn broken_json_is_refused_with_its_place() {
    for (_, _, text) in SHAPES_IN_THE_WILD {
        let lines = text.lines().count() > 1 && text.lines().all(|line| line.trim().ends_with('}'));
        let cut = text.trim_end().len() - 2;
        let message = refused_if_cut(&text[..text.floor_char_boundary(cut)]);
        assert!(
            lines
                || message.as_deref()
                    == Some(&format!(
                        "the JSON ends early, at byte {cut}: the file is incomplete"
                    )),
            "{message:?}"
        );
    }
    assert_eq!(refused(r#"{"a" "b"}"#), "the JSON is not valid at byte 5");
    assert_eq!(
        refused(r#"{"a": [1, 2}}"#),
        "the JSON is not valid at byte 11"
    );
}

fn refused_if_cut(text: &str) -> Option<String> {
    read(text, &mut |_| {}).err().map(|error| error.to_string())
}

#[test]
fn deep_nesting_is_refused_without_recursion() {
    for text in [
        "[".repeat(1 << 20),
        "{\"a\":".repeat(1 << 18),
        r#"{"segments":[{"text":"#.to_owned() + &"[".repeat(1 << 20),
    ] {
        assert!(refused(&text).contains("more than 128 nested brackets"));
    }
}

#[test]
fn json_is_told_from_plain_text_by_its_beginning() {
    for text in [
        "{\"a\": 1}",
        " \n[{\"a\": 1}]",
        "[\"a\", \"b\"]",
        "[[0.0, 1.5, \"hello\"]]",
        "{}",
        "[]",
        "{\"a",
        "[[[[",
    ] {
        assert!(is_json(text), "{text}");
    }
    for text in [
        "[00:00:03] Ana: hello",
        "[SPEAKER_00]: hello",
        "{Ana} hello",
        "[Music]",
        "[[crosstalk]] Ana: yes",
        "",
        "hello {\"a\": 1}",
        "[\"Sorry,\" she said] yes",
        "[12, 13] page",
        "[inaudible]",
        "{ \"so\" she said",
    ] {
        assert!(!is_json(text), "{text}");
    }
}

#[test]
fn a_single_text_is_kept_whole() {
    for text in [
        r#"{"text": " Ana: good morning.\nBen: The bridge \"opens\" in May."}"#,
        r#"{"output": {"transcription": " Ana: good morning.\nBen: The bridge \"opens\" in May.", "device": "cuda", "model": "turbo"}}"#,
    ] {
        let mut spoken = String::new();
        let bare = Reader::new(text).unwrap().bare_text.unwrap();
        let map = SourceMap::new(UTF_8, 0);
        bare.read(&Block::whole(text, &map), &mut |piece| match piece {
            Piece::Keep(part) => spoken.push_str(part.of(text)),
            Piece::Replace(_, c) | Piece::Insert(c) => spoken.push(c),
        });
        assert_eq!(
            spoken.trim_start(),
            "Ana: good morning.\nBen: The bridge \"opens\" in May."
        );
    }
}

#[test]
fn language_confidence_and_ends_are_read() {
    let mut all = Vec::new();
    let (_, _, text) = SHAPES_IN_THE_WILD[0];
    let found = read(text, &mut |cue| all.push((cue.end, cue.confidence))).unwrap();
    assert_eq!(found.language.as_deref(), Some("en-GB"));
    assert_eq!(
        all,
        [
            (Some(2400), Some(90)),
            (Some(5000), Some(90)),
            (Some(7000), Some(90))
        ]
    );
    for (index, ends) in [(1, true), (2, true), (16, true), (19, true), (22, true)] {
        let (maker, _, text) = SHAPES_IN_THE_WILD[index];
        read(text, &mut |cue| {
            assert_eq!(cue.end > cue.start, ends, "{maker} {cue:?}")
        })
        .unwrap();
    }
}

#[test]
fn speakers_inside_an_entry_divide_it() {
    let text = r#"{"segments": [{"start": 0.5, "end": 4.0, "text": " Is it May? It is.", "speaker": "SPEAKER_00", "words": [
        {"word": "Is", "start": 0.5, "speaker": "SPEAKER_00"}, {"word": "it", "start": 0.7, "speaker": "SPEAKER_00"}, {"word": "May?", "start": 0.9, "speaker": "SPEAKER_00"},
        {"word": "It", "start": 2.0, "speaker": "SPEAKER_01"}, {"word": "is.", "start": 2.4, "speaker": "SPEAKER_01"}]}]}"#;
    assert_eq!(
        cues(text).1,
        ["0.5 SPEAKER_00: Is it May?", "2.0 SPEAKER_01: It is."]
    );
}

#[test]
fn a_text_that_has_more_than_its_words_is_preferred() {
    let text = r#"{"results": {"transcripts": [{"transcript": "Good morning, everyone. The bridge opens in May."}], "items": [
        {"start_time": "0.5", "end_time": "0.8", "alternatives": [{"content": "Good"}], "type": "pronunciation"}]}}"#;
    assert_eq!(
        cues(text).1,
        ["Good morning, everyone. The bridge opens in May."]
    );
}

#[test]
fn who_is_not_named_is_nobody() {
    for text in [
        r#"{"segments": [{"speaker": "Ana", "text": "Good morning."}, {"speaker": null, "text": "Who is it?"}, {"text": "Me."}, {"speaker": "Ana", "text": "Come in."}]}"#,
        r#"{"speaker": "Ana", "text": "Good morning."}
{"text": "Who is it?"}
{"speaker": "", "text": "Me."}
{"speaker": "Ana", "text": "Come in."}"#,
        r#"{"utterances": [{"speaker": "Ana", "text": "Good morning.", "start": 0}, {"speaker": null, "text": "Who is it?", "start": 1}, {"speaker": null, "text": "Me.", "start": 2}, {"speaker": "Ana", "text": "Come in.", "start": 3}], "audio_duration": 4}"#,
        r#"{"results": {"channels": [{"alternatives": [{"transcript": "", "words": [{"word": "Good", "speaker": "Ana"}, {"word": "morning."},
            {"word": "Who", "speaker": null}, {"word": "is", "speaker": null}, {"word": "it?", "speaker": null}, {"word": "Me.", "speaker": null},
            {"word": "Come", "speaker": "Ana"}, {"word": "in.", "speaker": "Ana"}]}]}]}}"#,
    ] {
        let mut told = Vec::new();
        read(text, &mut |cue| {
            told.push((cue.speaker.map(Cow::into_owned), cue.is_change))
        })
        .unwrap();
        let ana = || (Some("Ana".to_owned()), false);
        assert_eq!(told, [ana(), (None, true), (None, false), ana()], "{text}");
    }
    // A number that a recognizer could not place belongs to the sentence after it.
    let text = r#"{"words": [{"type": "word", "text": "Yes.", "speaker": "Ben"}, {"type": "word", "text": "1999"}, {"type": "word", "text": "was", "speaker": "Ana"}, {"type": "word", "text": "good.", "speaker": "Ana"}]}"#;
    assert_eq!(cues(text).1, ["Ben: Yes.", "Ana: 1999 was good."]);
}

#[test]
fn the_most_complete_part_of_a_file_is_read() {
    let entries = |name: &str, count: usize| {
        let entry = |n| {
            format!(
                r#"{{"speaker": "Ana", "text": "The ferry to the island leaves at noon, and day {n} is no exception.", "start": {n}}}"#
            )
        };
        let all: Vec<String> = (0..count).map(entry).collect();
        format!(r#""{name}": [{}]"#, all.join(", "))
    };
    let words = "The ferry to the island leaves at noon, and no day is an exception. ";
    let told = |text: &str| {
        let reader = Reader::new(text).unwrap();
        (reader.bare_text.is_some(), reader.warnings.join(" "))
    };
    // An excerpt beside the full text.
    for name in ["segments", "utterances"] {
        let text = format!(
            r#"{{"text": "{}", {}}}"#,
            words.repeat(20),
            entries(name, 3)
        );
        let (is_bare, warning) = told(&text);
        assert!(
            is_bare && warning.ends_with("the text without them was read"),
            "{warning}"
        );
        let text = format!(
            r#"{{"text": "{}", {}}}"#,
            words.repeat(20),
            entries(name, 14)
        );
        let (is_bare, warning) = told(&text);
        assert!(
            !is_bare && warning.ends_with("only the entries were read"),
            "{warning}"
        );
        let text = format!(
            r#"{{"text": "{}", {}}}"#,
            words.repeat(20),
            entries(name, 20)
        );
        assert_eq!(told(&text), (false, String::new()));
    }
    // Two lists of the same, and two of different people.
    let text = format!(
        "{{{}, {}}}",
        entries("segments", 5),
        entries("utterances", 20)
    );
    assert_eq!(cues(&text).1.len(), 20);
    let text = format!(
        "{{{}, {}}}",
        entries("left", 9),
        entries("right", 8)
            .replace("ferry", "bus")
            .replace("\"The", "\"A")
    );
    let (_, warning) = told(&text);
    assert!(
        warning.ends_with("words in others were left out"),
        "{warning}"
    );
    let same = format!("{{{}, {}}}", entries("left", 9), entries("right", 8));
    assert_eq!(told(&same).1, "");
    // Words of several speakers that are only the first ones of a text.
    let text = format!(
        r#"{{"results": {{"channels": [{{"alternatives": [{{"transcript": "{}", "words": [{{"word": "The", "speaker": 0}}, {{"word": "ferry", "speaker": 1}}]}}]}}]}}}}"#,
        words.repeat(20)
    );
    assert!(
        told(&text)
            .1
            .starts_with("the file tells the speakers of only a part")
    );
    assert!(cues(&text).1[0].starts_with("The ferry to the island"));
}

#[test]
fn odd_notations_of_lists_and_values_are_read() {
    let said = ["Ana: Good morning.", "Ben: 12"];
    for text in [
        r#"{"segments": [{"speaker": "Ana", "text": "Good morning."}, {"speaker": "Ben", "text": 12}]}"#,
        r#"{"segments": {"0": {"speaker": "Ana", "text": "Good morning."}, "1": {"speaker": "Ben", "text": "12"}}}"#,
        r#"{"0": {"speaker": "Ana", "text": "Good morning."}, "1": {"speaker": "Ben", "text": "12"}}"#,
        r#"[null, {"speaker": "Ana", "text": "Good morning."}, null, {"speaker": "Ben", "text": "12"}]"#,
        r#"[{"speaker": ["Ana"], "text": "Good morning."}, {"speaker": ["Ben", "Eva"], "text": "12"}]"#,
        r#"[{"speaker": "Ana", "segments": [{"text": "Good morning."}]}, {"speaker": "Ben", "segments": [{"text": "12"}]}]"#,
    ] {
        assert!(is_json(text), "{text}");
        assert_eq!(cues(text).1, said, "{text}");
    }
    let long = format!("Ana {}", "of the harbour board ".repeat(40));
    let text = format!(r#"[{{"speaker": "{long}", "text": "Yes."}}]"#);
    assert!(cues(&text).1[0].starts_with("Ana of the harbour board"));
    assert!(is_json(r#""Ana: Good morning.\nBen: Yes.""#));
    assert!(!is_json("\"Good morning,\" said Ana.\\n\"Yes.\""));
    assert!(is_python("[{'speaker': 'Ana', 'text': 'Good morning.'}]"));
    assert!(!is_python("{'tis the season: we begin."));
    // Text after an array is told, not dropped in silence.
    let text = "[{\"speaker\": \"Ana\", \"text\": \"Good morning.\"}]\n\nBen: Yes.\n";
    assert!(Reader::new(text).unwrap().warnings[0].starts_with("line 3 is no complete JSON"));
}

#[test]
fn names_are_preferred_to_numbers() {
    for text in [
        r#"{"messages": [{"id": "1", "text": "Good morning.", "from": {"id": "9", "name": "Ana", "userId": "a@b.org"}}, {"id": "2", "text": "Yes.", "from": {"id": "8", "name": "Ben"}}]}"#,
        r#"{"messages": [{"creator": {"name": "Ana", "email": "a@b.org", "user_type": "Human"}, "text": "Good morning."}, {"creator": {"name": "Ben"}, "text": "Yes."}]}"#,
        r#"{"monologues": [{"speaker": 0, "speaker_info": {"id": "0", "display_name": "Ana"}, "elements": [{"type": "text", "value": "Good morning."}]},
            {"speaker": 1, "speaker_info": {"id": "1", "display_name": "Ben"}, "elements": [{"type": "text", "value": "Yes."}]}]}"#,
        r#"{"speakers": [{"id": 0, "name": "Ana"}, {"id": 1, "name": "Ben"}], "monologues": [{"speaker": 0, "elements": [{"type": "text", "value": "Good morning."}]},
            {"speaker": 1, "elements": [{"type": "text", "value": "Yes."}]}]}"#,
        r#"[{"type": "message", "user": "U1", "user_profile": {"real_name": "Ana", "display_name": "", "name": "a"}, "text": "Good morning."},
            {"type": "message", "user": "U2", "user_profile": {"real_name": "Ben", "name": "b"}, "text": "Yes."}]"#,
        r#"{"messages": [{"content": "Good morning.", "author": {"id": "77", "name": "ana7", "nickname": "Ana"}}, {"content": "Yes.", "author": {"id": "78", "username": "b8", "global_name": "Ben"}}]}"#,
        r#"{"speakers": [{"speaker_id": "x1", "speaker_name": "Ana"}, {"speaker_id": "x2", "speaker_name": "Ben"}],
            "transcripts": [{"speaker_id": "x1", "transcript": "Good morning."}, {"speaker_id": "x2", "transcript": "Yes."}]}"#,
    ] {
        assert_eq!(cues(text).1, ["Ana: Good morning.", "Ben: Yes."], "{text}");
    }
}

#[test]
fn the_latest_message_may_come_first() {
    let text = r#"{"participants": [{"name": "Ana"}, {"name": "Ben"}], "messages": [
        {"sender_name": "Ben", "timestamp_ms": 1767607207000, "content": "Good."},
        {"sender_name": "Ana", "timestamp_ms": 1767607205000, "content": "May."},
        {"sender_name": "Ben", "timestamp_ms": 1767607200000, "content": "When?"}]}"#;
    assert_eq!(
        cues(text).1,
        ["0.0 Ben: When?", "5.0 Ana: May.", "7.0 Ben: Good."]
    );
}

#[test]
fn calendar_times_count_from_the_first_entry() {
    for text in [
        r#"{"messages": [{"user": "Ana", "text": "Good morning.", "ts": "1767607200.000100"}, {"user": "Ben", "text": "Morning.", "ts": "1767607205.200100"}]}"#,
        r#"[{"author": {"id": 5, "name": "Ana"}, "content": "Good morning.", "timestamp": "2026-01-05T10:00:00Z"}, {"author": {"name": "Ben"}, "content": "Morning.", "timestamp": "2026-01-05T10:00:05.200Z"}]"#,
        r#"{"messages": [{"from": "Ana", "date": "2026-01-05T10:00:00", "text": ["Good ", {"type": "bold", "text": "morning."}]}, {"from": "Ben", "date": "2026-01-05T10:00:05.2", "text": "Morning."}]}"#,
    ] {
        assert_eq!(
            cues(text).1,
            ["0.0 Ana: Good morning.", "5.2 Ben: Morning."],
            "{text}"
        );
    }
}

#[test]
fn words_of_unspaced_scripts_are_joined_without_blanks() {
    let text = r#"{"results": {"items": [
        {"start_time": "0.5", "end_time": "0.8", "alternatives": [{"content": "今天"}], "type": "pronunciation"},
        {"start_time": "0.8", "end_time": "1.0", "alternatives": [{"content": "开会"}], "type": "pronunciation"},
        {"alternatives": [{"content": "。"}], "type": "punctuation"}]}}"#;
    assert_eq!(cues(text).1, ["0.5 今天开会。"]);
}

proptest! {
    #[test]
    fn no_mutation_makes_it_panic_or_leave_the_text(
        shape in 0..SHAPES_IN_THE_WILD.len(), at in 0.0..1.0_f64, len in 0_usize..40, with in "[\\[\\]{}\",:\\\\a0é-]{0,6}",
    ) {
        let (_, _, text) = SHAPES_IN_THE_WILD[shape];
        let start = text.floor_char_boundary((text.len() as f64 * at) as usize);
        let end = text.floor_char_boundary(start + len).max(start);
        let text = format!("{}{with}{}", &text[..start], &text[end..]);
        let _found = is_json(&text);
        let _read = read(&text, &mut |cue| {
            for part in &cue.text {
                assert!(text.get(part.start..part.end).is_some());
            }
            assert!(cue.text.is_sorted_by_key(|part| part.start));
        });
    }
}

#[test]
fn a_text_may_stand_in_an_object_of_its_own() {
    for text in [
        r#"{"value": [{"from": {"user": {"displayName": "Ana"}}, "body": {"contentType": "text", "content": "Good morning."}},
            {"from": {"user": {"displayName": "Ben"}}, "body": {"contentType": "text", "content": "Morning, Ana."}}]}"#,
        r#"[{"speaker": {"id": 1, "name": "Ana"}, "content": {"text": "Good morning."}},
            {"speaker": {"id": 2, "name": "Ben"}, "content": {"text": "Morning, Ana."}}]"#,
    ] {
        let (_, lines) = cues(text);
        assert_eq!(
            lines,
            ["Ana: Good morning.", "Ben: Morning, Ana."],
            "{text}"
        );
    }
}
