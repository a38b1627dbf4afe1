import ArgumentParser
import Foundation
import OpenAIAPI
import Wire

struct QueryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query",
        abstract: "Ask the mesh; the answer is printed as it comes.",
        discussion: """
            Asks the node of the directory, else the first running one of a local testnet. Any \
            node answers for any model of the mesh. After the answer a line says how long it took \
            and which node gave it; --explain says why that one.
            """)

    @Argument(help: "The prompt, or - for standard input.") var prompt: String
    @OptionGroup var node: NodeOptions
    @Option(help: "The model by name (default: the node's first, else the mesh's).")
    var model: String?
    @Option(help: "The most tokens of the answer.") var maxTokens: Int?
    @Option(help: "0 for the likeliest answer; higher for more variety.") var temperature = 0.0
    @Option(help: "Keep this many of the likeliest tokens; 0 for all.") var topK: Int?
    @Option(help: "Keep the likeliest tokens up to this total probability.") var topP: Double?
    @Option(help: "Keep tokens at least this likely relative to the likeliest.") var minP: Double?
    @Option(help: "Makes a drawn answer repeatable.") var seed: UInt64?
    @Option(help: "End the answer at this text. May be repeated.") var stop: [String] = []
    @Flag(help: "Say who answered and why.") var explain = false
    @Flag(help: "Print JSON, when the answer is complete.") var json = false

    private struct Report: Encodable {
        var text: String
        var finish_reason: String?
        var model: String
        var usage: TokenUsage?
        var shoal: ShoalInfo?
        var seconds: Double
        var seconds_to_first_token: Double?
    }

    private struct ErrorEvent: Decodable {
        struct Detail: Decodable { var message: String }
        var error: Detail
    }

    private struct Answer {
        var text = ""
        var finishReason: String?
        var model = ""
        var usage: TokenUsage?
        var info: ShoalInfo?
        var firstToken: Double?
        var isComplete = false
    }

    func run() async throws {
        let text: String
        if prompt == "-" {
            text = String(
                decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self)
        } else {
            text = prompt
        }
        let request = ChatCompletionRequest(
            messages: [ChatMessage(role: .user, content: text)],
            options: GenerationOptions(
                model: model, maxTokens: maxTokens, temperature: temperature, topP: topP,
                topK: topK, minP: minP, seed: seed, stop: stop, stream: true,
                streamOptions: GenerationOptions.StreamOptions(includeUsage: true)))
        let started = ContinuousClock.now
        var answer = Answer()
        try await node.client().stream(
            "/v1/chat/completions", json: try JSONEncoder().encode(request)
        ) { data in
            try take(data, into: &answer, started: started)
        }
        guard answer.isComplete else {
            throw CommandError(.unavailable, "the answer was cut short; ask again")
        }
        let seconds = (ContinuousClock.now - started).seconds
        if json {
            return try Output.json(
                Report(
                    text: answer.text, finish_reason: answer.finishReason, model: answer.model,
                    usage: answer.usage, shoal: answer.info, seconds: seconds,
                    seconds_to_first_token: answer.firstToken))
        }
        Output.write(answer.text.hasSuffix("\n") ? "" : "\n")
        Output.note(Output.dim(summary(of: answer, seconds: seconds)))
        if explain { Output.write("\n" + explanation(of: answer)) }
    }

    private func take(
        _ data: String, into answer: inout Answer, started: ContinuousClock.Instant
    ) throws {
        if data == ServerSentEvent.done {
            answer.isComplete = true
            return
        }
        let bytes = Data(data.utf8)
        if let failure = try? JSONDecoder().decode(ErrorEvent.self, from: bytes) {
            if !json { Output.write("\n") }
            throw CommandError(.unavailable, failure.error.message)
        }
        let chunk = try JSONDecoder().decode(ChatCompletionChunk.self, from: bytes)
        answer.model = chunk.model
        answer.usage = chunk.usage ?? answer.usage
        answer.info = chunk.shoal ?? answer.info
        for choice in chunk.choices {
            if let content = choice.delta.content, !content.isEmpty {
                if answer.firstToken == nil {
                    answer.firstToken = (ContinuousClock.now - started).seconds
                }
                answer.text += content
                if !json { Output.write(content) }
            }
            answer.finishReason = choice.finishReason?.rawValue ?? answer.finishReason
        }
    }

    private func summary(of answer: Answer, seconds: Double) -> String {
        var parts = [String(format: "%.2f s", seconds)]
        if let usage = answer.usage, seconds > 0 {
            parts.append(
                String(format: "%.1f tok/s", Double(usage.completionTokens) / seconds))
        }
        if let info = answer.info { parts.append("via \(info.node)") }
        return parts.joined(separator: " · ")
    }

    private func explanation(of answer: Answer) -> String {
        guard let info = answer.info else { return "The node does not say who answered.\n" }
        var lines = [
            "Answered by  \(info.node) (\(info.nodeID.prefix(10)))",
            "Why          \(info.reason)",
            "Model        \(answer.model)",
        ]
        if let roundTrip = info.roundTripMilliseconds {
            lines.append(
                String(format: "Round trip   %.2f ms", roundTrip))
        }
        let isLocal = info.reason == "the model is on this node"
        lines.append(
            isLocal
                ? "Seen by      the node that was asked, and no other"
                : "Seen by      the node that was asked and \(info.node); between them it was encrypted"
        )
        if let through = info.through {
            lines.append("Way          through \(through), sealed: it sees sizes and times alone")
        }
        if info.attempts > 1 { lines.append("Attempts     \(info.attempts)") }
        if let usage = answer.usage {
            lines.append(
                "Tokens       \(usage.promptTokens) in, \(usage.completionTokens) out")
        }
        lines.append("Request      \(info.request)")
        return lines.joined(separator: "\n") + "\n"
    }
}
