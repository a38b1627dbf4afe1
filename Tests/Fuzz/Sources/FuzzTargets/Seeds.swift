import GGUF

/// Inputs to begin with: small and valid, one for each thing that a target knows.
enum Seeds {
    static func of(_ target: FuzzTarget) -> [(name: String, bytes: [UInt8])] {
        let texts: [String]
        switch target {
        case .gguf, .flips: return models()
        case .gossip: return GossipTarget.seeds
        case .handshake: return HandshakeTarget.seeds
        case .frames: return FrameTarget.seeds
        case .trust: return CodecSeeds.trust
        case .inference: return CodecSeeds.inference
        case .bodies: return CodecSeeds.bodies
        case .tokenizers:
            return (0..<4).map { kind in
                var bytes: [UInt8] = [UInt8(kind), UInt8(kind), 8]
                for token in ["\u{1}\u{3}<s>", "▁the", "Ġa", "##s", "the", "th", "e", "\u{2}t h"] {
                    bytes += Array(token.utf8) + [0]
                }
                return ("tokens-\(kind)", bytes + Array("the cats <s> 42\n".utf8))
            }
        case .grammar:
            texts = [
                "root ::= \"a\" [0-9a-f]{2,4} (x | \"é\")* # c\nx ::= . | root?\0a12",
                "root ::= \"yes\" | \"no\" \"!\"+\0no!",
            ]
        case .schema:
            texts = [
                #"{"type":"object","properties":{"a":{"type":"integer","minimum":3},"b":{"enum":["#
                    + #""x",null]}},"required":["a"],"additionalProperties":false}"#
                    + "\0{\"a\":4}",
                ##"{"$defs":{"n":{"type":"array","items":{"$ref":"#/$defs/n"},"maxItems":2}},"##
                    + ##""$ref":"#/$defs/n"}"## + "\0[[],[]]",
                #"{"anyOf":[{"type":"string","pattern":"^a[b-d]+$"},{"type":"number"}]}"#
                    + "\0\"abc\"",
            ]
        case .jinja:
            texts = [
                "{{ bos_token }}{% for m in messages %}{{ '[' ~ m.role ~ ']' + m['content'] | trim }}"
                    + "{% if not loop.last %}\n{% endif %}{% endfor %}",
                "{%- set ns = namespace(x=1) -%}{% macro f(a, b=2) %}{{ a * b }}{% endmacro %}"
                    + "{{ f(n) }}{{ messages[1:]|length }}{{ [1,2]|join(',') }}{% set ns.x = 3 %}",
                "{% if tools is defined and n % 2 == 1 %}{{ raise_exception('x') }}{% else %}"
                    + "{{ {'a': 1} | tojson }}{% endif %}{# c #}",
            ]
        }
        return texts.enumerated().map { ("text-\($0)", Array($1.utf8)) }
    }

    /// Models of one small layer: every block format of 32 that loads, and a dense and a biased
    /// architecture.
    private static func models() -> [(String, [UInt8])] {
        [("llama", .f32), ("llama", .q8_0), ("llama", .q4_0), ("qwen2", .q5_1), ("llama", .iq4_nl)]
            .compactMap { (name: String, type: GGUFTensorType) in
                (try? model(name, type)).map { ("\(name)-\(type).gguf", $0) }
            }
    }

    private static func model(_ name: String, _ type: GGUFTensorType) throws -> [UInt8] {
        let (width, vocabulary) = (32, 262)
        var writer = try GGUFWriter()
        try writer.add("general.architecture", .string(name))
        for (key, value) in [
            "context_length": 64, "embedding_length": 32, "block_count": 1,
            "feed_forward_length": 32, "attention.head_count": 2, "attention.head_count_kv": 1,
            "rope.dimension_count": 16,
        ].sorted(by: { $0.key < $1.key }) {
            try writer.add("\(name).\(key)", .uint32(UInt32(value)))
        }
        try writer.add("\(name).attention.layer_norm_rms_epsilon", .float32(1e-5))
        try writer.add("tokenizer.ggml.model", .string("llama"))
        let bytes = (0..<256).map { number -> String in
            let digits = String(number, radix: 16, uppercase: true)
            return "<0x" + (number < 16 ? "0" : "") + digits + ">"
        }
        let tokens = ["<unk>", "<s>", "</s>"] + bytes + ["a", "b", "ab"]
        try writer.add("tokenizer.ggml.tokens", .array(GGUFArray(strings: tokens)))
        try writer.add(
            "tokenizer.ggml.scores", .array(GGUFArray(floats: tokens.indices.map { -Float($0) })))
        try writer.add(
            "tokenizer.ggml.token_type",
            .array(
                GGUFArray(
                    int32s: [2, 3, 3] + [Int32](repeating: 6, count: 256) + [1, 1, 1])))
        func add(_ tensor: String, _ dimensions: [Int], _ type: GGUFTensorType) throws {
            let count = dimensions.reduce(1, *) / type.blockElements * type.blockBytes
            // 0x20 makes small numbers of singles, and small scales of halves.
            try writer.addTensor(
                name: tensor, dimensions: dimensions, type: type,
                data: (0..<count).map { type == .f32 ? 0x3C : UInt8(0x20 + $0 % 3) })
        }
        try add("token_embd.weight", [width, vocabulary], type)
        try add("output_norm.weight", [width], .f32)
        for part in ["attn_norm", "ffn_norm"] { try add("blk.0.\(part).weight", [width], .f32) }
        for (part, rows) in [
            ("attn_q", 32), ("attn_k", 16), ("attn_v", 16), ("attn_output", 32), ("ffn_gate", 32),
            ("ffn_up", 32), ("ffn_down", 32),
        ] { try add("blk.0.\(part).weight", [width, rows], type) }
        if name == "qwen2" {
            for (part, rows) in [("attn_q", 32), ("attn_k", 16), ("attn_v", 16)] {
                try add("blk.0.\(part).bias", [rows], .f32)
            }
        }
        return writer.bytes()
    }
}
