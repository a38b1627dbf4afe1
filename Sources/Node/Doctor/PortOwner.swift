#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Which process has a port: as far as Linux's /proc tells this user.
enum PortOwner {
    /// Files of a process that are looked at.
    private static let descriptorsMax = 65_536

    static func find(port: UInt16, forDatagrams: Bool) -> (pid: Int32, name: String)? {
        let tables =
            forDatagrams
            ? ["/proc/net/udp", "/proc/net/udp6"] : ["/proc/net/tcp", "/proc/net/tcp6"]
        let inodes = Set(
            tables.flatMap { Self.inodes(of: port, in: $0, forDatagrams: forDatagrams) })
        guard !inodes.isEmpty else { return nil }
        let processes = DirectoryFiles(root: "/proc")
        for name in processes.list("") {
            guard let pid = Int32(name) else { continue }
            for descriptor in processes.list("\(name)/fd").prefix(descriptorsMax)
            where inodes.contains(link("/proc/\(name)/fd/\(descriptor)")) {
                let bytes = (try? processes.read("\(name)/comm")) ?? []
                let comm = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first
                return (pid, comm.map(String.init) ?? "?")
            }
        }
        return nil
    }

    /// The sockets of a table of proc(5) at a local port, as `socket:[INODE]`.
    private static func inodes(of port: UInt16, in table: String, forDatagrams: Bool) -> [String] {
        guard let bytes = try? DirectoryFiles(root: "").read(table) else { return [] }
        let suffix =
            ":" + String(repeating: "0", count: 4 - String(port, radix: 16).count)
            + String(port, radix: 16, uppercase: true)
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst()
            .compactMap { line in
                let columns = line.split(separator: " ")
                guard columns.count > 9, columns[1].hasSuffix(suffix),
                    forDatagrams || columns[3] == "0A"
                else { return nil }
                return "socket:[\(columns[9])]"
            }
    }

    private static func link(_ path: String) -> String {
        var buffer = [CChar](repeating: 0, count: 128)
        let count = readlink(path, &buffer, buffer.count)
        guard count > 0 else { return "" }
        return String(
            decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
