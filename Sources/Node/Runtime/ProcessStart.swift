import Foundation

/// When processes started: with its number it names one process, since numbers are used again.
public enum ProcessStart {
    /// The start of a process in the system's own count, from its boot; nil when there is none or
    /// the system does not tell (there is no /proc on macOS).
    public static func of(_ pid: Int32) -> UInt64? {
        // "PID (NAME) STATE …", where the name may hold anything; the start is the 22nd field.
        guard let line = FileManager.default.contents(atPath: "/proc/\(pid)/stat"),
            let end = line.lastIndex(of: UInt8(ascii: ")"))
        else { return nil }
        let fields = line[end...].dropFirst(2).split(separator: UInt8(ascii: " "))
        guard fields.count > 19 else { return nil }
        return UInt64(String(decoding: fields[19], as: UTF8.self))
    }
}
