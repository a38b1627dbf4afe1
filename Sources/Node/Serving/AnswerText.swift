import Mesh
import Sampling
import Tokenizer

/// The text of an answer, put together from token frames as they come: characters are whole, and a
/// stop string never shows, wherever the borders between tokens fall.
///
/// Works on bytes alone, so that a node can answer for a model whose vocabulary it does not hold.
struct AnswerText {
    private struct Choice {
        var decoder = StreamingDecoder()
        var matcher: StopMatcher
        var isStopped = false
    }

    private var choices: [Choice]

    /// The text of `count` choices that end at any of `stop`.
    init(choices count: Int, stop: [String]) throws(SamplingError) {
        let matcher = try StopMatcher(stop)
        choices = Array(repeating: Choice(matcher: matcher), count: count)
    }

    /// The text that a token makes certain; possibly none.
    mutating func append(_ frame: TokenFrame) -> String {
        let index = Int(frame.choice)
        guard choices.indices.contains(index), !choices[index].isStopped else { return "" }
        let text = choices[index].decoder.append(frame.bytes)
        let (emit, stopped) = choices[index].matcher.append(text)
        choices[index].isStopped = stopped
        return emit
    }

    /// The end of a choice's text: what was held back because it might have become a stop string.
    mutating func finish(_ choice: UInt32) -> String {
        let index = Int(choice)
        guard choices.indices.contains(index), !choices[index].isStopped else { return "" }
        let (emit, stopped) = choices[index].matcher.append(choices[index].decoder.finish())
        choices[index].isStopped = true
        return stopped ? emit : emit + choices[index].matcher.finish()
    }
}
