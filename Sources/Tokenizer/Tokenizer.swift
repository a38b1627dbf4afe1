// Tokenizer: text to token ids and back, and chat templates.
//
// Pure: a vocabulary is handed in as arrays. Reads no files.
