import Jinja

/// A template, rendered with a conversation.
enum TemplateTarget {
    private static let context: JinjaObject = {
        func message(_ role: String, _ content: String) -> JinjaValue {
            .object(["role": .trusted(role), "content": .untrusted(content)])
        }
        return [
            "messages": .list([
                message("system", "Be brief."), message("user", "Hi"),
                message("assistant", "  Hello. "), message("user", "{{ x }} 日本"),
            ]),
            "bos_token": .trusted("<s>"), "eos_token": .trusted("</s>"),
            "add_generation_prompt": .boolean(true), "tools": .list([]), "n": .integer(7),
            "f": .float(0.5),
        ]
    }()

    static func run(_ bytes: [UInt8]) {
        guard let template = try? Template(String(decoding: bytes, as: UTF8.self)) else { return }
        _ = try? template.render(context)
    }
}
