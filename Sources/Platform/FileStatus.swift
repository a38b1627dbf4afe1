#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What the system says of a file.
package struct FileStatus: Sendable, Equatable {
    /// The kinds that are told apart.
    package enum Kind: Sendable { case regular, directory, other }

    /// What it is.
    package let kind: Kind
    /// Its permissions, the last nine bits.
    package let permissions: UInt32
    /// The number of the user whom it belongs to.
    package let owner: UInt32
    /// Its length.
    package let byteCount: UInt64
    /// Its number on its disk.
    package let inode: UInt64
    /// When its content was changed last, in seconds and nanoseconds since 1970; this can be set
    /// back.
    package let modified: [Int64]
    /// When anything about it was changed last; this cannot.
    package let changed: [Int64]

    /// Of an open file; nil when the system says nothing.
    package init?(descriptor: Int32) {
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { return nil }
        self.init(info)
    }

    /// Of what is at a path; nil when nothing is, or the system does not say.
    ///
    /// - Parameter followsLink: Whether a symbolic link stands for what it leads to.
    package init?(path: String, followsLink: Bool) {
        var info = stat()
        let result = followsLink ? stat(path, &info) : lstat(path, &info)
        guard result == 0 else { return nil }
        self.init(info)
    }

    private init(_ info: stat) {
        switch info.st_mode & S_IFMT {
        case S_IFREG: kind = .regular
        case S_IFDIR: kind = .directory
        default: kind = .other
        }
        permissions = UInt32(info.st_mode & 0o777)
        owner = info.st_uid
        byteCount = UInt64(max(0, info.st_size))
        inode = UInt64(info.st_ino)
        #if canImport(Glibc)
            let stamps = (info.st_mtim, info.st_ctim)
        #else
            let stamps = (info.st_mtimespec, info.st_ctimespec)
        #endif
        modified = [Int64(stamps.0.tv_sec), Int64(stamps.0.tv_nsec)]
        changed = [Int64(stamps.1.tv_sec), Int64(stamps.1.tv_nsec)]
    }
}
