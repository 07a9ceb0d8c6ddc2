// Every word that the page says. A translation is another file like this one.

/** @param {number} n @param {string} one */
const count = (n, one) => `${n} ${one}${n === 1 ? "" : "s"}`;

export const TEXT = {
  app: "AutoVoice",
  tabs: {
    speech: "Speech", song: "Song", text: "Text", live: "Live", batch: "Batch", voices: "Voices", history: "History",
  },
  lead: {
    speech: "Say something, or drop a recording, and hear it in another voice.",
    song: "Drop a song: its singer is separated, converted and mixed back.",
    text: "Write something and hear it in a cloned voice.",
    live: "Speak into the microphone and hear yourself in another voice at once. Wear headphones.",
    batch: "Many recordings into one voice, and all results in one zip file.",
    voices: "The voices that can be used here. A voice needs the consent of its owner.",
    history: "What this server has made, the newest first.",
  },
  theme: { label: "Appearance", auto: "Auto", light: "Light", dark: "Dark" },
  key: {
    title: "This server asks for a key", label: "API key", save: "Use this key", wrong: "The server does not know this key.",
    note: "Kept until this tab is closed, and sent to this server only.",
  },
  source: {
    speech: "Recording", song: "Song", batch: "Recordings", reference: "Recordings of the voice",
    drop: "Drop audio here", dropMany: "Drop audio files here", or: "or", choose: "Choose a file", chooseMany: "Choose files", record: "Record",
    stop: "Stop recording", recording: (/** @type {string} */ time) => `Recording, ${time}`, named: (/** @type {number} */ n) => `recording ${n}.wav`,
    remove: (/** @type {string} */ name) => `Remove ${name}`,
    undrawn: "This browser cannot draw it; the server may still read it.",
    tooBig: (/** @type {string} */ name, /** @type {number} */ mb) => `${name} is larger than the ${mb} MB that this server takes; cut it or save it as FLAC or MP3.`,
    noMicrophone: "This browser gives no microphone here: allow it in the address bar, or open the page on localhost or over HTTPS.",
    missing: "Add a recording first.", missingMany: "Add recordings first.", missingSong: "Add a song first.",
    added: (/** @type {string} */ name) => `${name} added`,
    limits: (/** @type {number} */ minutes, /** @type {number} */ mb) => `WAV, FLAC, MP3, OGG or M4A, up to ${minutes} minutes and ${mb} MB`,
    referenceHint: "30 seconds or more of one person, alone and clear, sound best; 3 seconds are the least.",
  },
  voice: {
    title: "Voice", none: "There is no voice yet. Clone one from a few recordings.", clone: "Clone a voice", builtin: "built in", cloned: "cloned", adapted: "adapted",
    missing: "Pick or clone a voice first.", pitch: (/** @type {string} */ hz) => `${hz} Hz`,
  },
  clone: {
    title: "Clone a voice", name: "Name", nameHint: "What you want to call this voice",
    consent: "Consent", consentHint: "Who the voice belongs to, and that this person agrees to its use: “I am Ada Lovelace, and this is my voice.”",
    submit: "Clone this voice", busy: "Listening to the recordings …", cancel: "Cancel",
    noName: "Give the voice a name.", noConsent: "Say who agreed that this voice may be cloned; without consent no voice is made.",
    done: (/** @type {string} */ name) => `${name} is ready`,
  },
  voices: {
    speech: "Speech", snr: "Noise distance", pitch: "Median pitch", verdict: "Recordings", consent: "Consent", created: "Cloned", adapted: "Adapted", yes: "yes", no: "no",
    delete: "Delete", deleteNamed: (/** @type {string} */ name) => `Delete ${name}`, sure: (/** @type {string} */ name) => `Delete ${name} and its recordings for good?`, really: "Delete for good", keep: "Keep",
    deleted: (/** @type {string} */ name) => `${name} is deleted`,
  },
  settings: {
    more: "Key and quality", preset: "Quality", key: "Key", auto: "Automatic: the voice's own pitch", manual: "Semitones", semitones: "Semitones up or down",
    speed: "Speed", language: "Language", stems: "Keep the separated stems",
  },
  act: { speech: "Convert", song: "Convert the song", text: "Speak", batch: "Convert all", cancel: "Cancel", retry: "Try again", zip: "Download all as zip" },
  text: { label: "Text", missing: "Write something first.", placeholder: "What shall it say?", left: (/** @type {number} */ n) => `${count(n, "character")} left` },
  job: {
    queued: "Waiting", running: "Working", done: "Done", failed: "Failed", cancelled: "Cancelled", sending: "Sending",
    percent: (/** @type {number} */ share) => `${Math.round(100 * share)} %`,
    kinds: { convert: "Speech", song: "Song", speech: "Text", evaluate: "Measurement" },
  },
  result: {
    title: "Result", empty: "The result will appear here.", original: "Original", converted: "Converted", spoken: "Spoken",
    play: (/** @type {string} */ what) => `Play ${what}`, pause: (/** @type {string} */ what) => `Pause ${what}`, seek: (/** @type {string} */ what) => `Position in ${what}`, download: "Download",
    length: (/** @type {string} */ s) => `${s} long`, rtf: (/** @type {string} */ x) => `made in ${x} of its length`, shift: (/** @type {string} */ st) => `key ${st} semitones`,
    switching: "Both play from the same moment, so that you can switch between them.",
    spectrogram: "Spectrogram and pitch", spectrogramOf: (/** @type {string} */ what) => `Spectrogram of ${what}, 60 Hz to 8 kHz, with its pitch as a line`, pitch: "pitch (f0)",
    noPitch: "Its pitch could not be measured.",
  },
  quality: {
    title: "Quality", measure: "Measure the quality", busy: "Measuring …", floor: "floor", ceiling: "ceiling", floorOf: (/** @type {string} */ n) => `floor ${n}`, ceilingOf: (/** @type {string} */ n) => `ceiling ${n}`,
    about: "Floor is what the unconverted recording reaches, ceiling what the person's own recordings reach.",
    metrics: {
      secs: ["Similarity to the voice", "1 is the same voice"], campp: ["Similarity, second judge", "another network's opinion"],
      f0_rmse_cents: ["Pitch error", "cents; 100 are a semitone; less is better"], f0_corr: ["Melody kept", "1 is the same melody"],
      cer: ["Letters misheard", "% that a speech recogniser hears otherwise; less is better"], dnsmos_ovrl: ["Sound quality", "1 to 5, predicted"],
    },
    none: "Nothing of it could be measured.",
  },
  rating: {
    title: "Rate this result", why: "Optional. Your rating stays on this server.", stars: (/** @type {number} */ n) => count(n, "star"), scale: "1 is poor, 5 is excellent",
    comment: "Comment", send: "Send the rating", thanks: "Thank you, it is kept.", missing: "Choose 1 to 5 stars.", csv: "Download all ratings (CSV)",
  },
  live: {
    start: "Start", stop: "Stop", starting: "Connecting …", on: "Live", off: "Stopped", latency: "Mouth to ear", underruns: "Gaps in playback", server: "Server, 95 % of blocks", late: "Blocks late at the server",
    ms: (/** @type {number} */ x) => `${Math.round(x)} ms`, level: "Microphone level", waiting: "measuring", rate: "The server answers at another sample rate than this browser plays; choose another browser.",
    gone: "The connection to the server ended.",
  },
  batch: { file: "File", status: "Status", all: (/** @type {number} */ done, /** @type {number} */ n) => `${done} of ${n} done` },
  history: { empty: "Nothing yet. What you convert appears here.", play: "Open", open: (/** @type {string} */ name) => `Open ${name}`, delete: (/** @type {string} */ name) => `Delete ${name}`, refresh: "Refresh", deleted: "Deleted" },
  fault: {
    unreachable: "The server does not answer; is it still running? Nothing is lost: try again when it is back.",
    loading: "The server is loading its models …", unexpected: (/** @type {number} */ status) => `The server answered with status ${status}; its log says why.`,
    unavailable: { song: "This server cannot convert songs: it lacks torch; pip install 'autovoice[all]' there.", text: "This server cannot speak text; pip install 'autovoice[speech]' there." },
  },
  delete: "Delete",
};
