import Engine
import GGUF
import Kernels
import Mesh
import Model
import Node
import NodeAPI
import Trust
import Wire

extension CommandError {
    /// The error of a module, with the exit status for its kind; nil for one of the argument
    /// parser's.
    init?(explaining error: any Error) {
        switch error {
        case let error as StateError:
            let status: ExitStatus =
                switch error {
                case .trust(.badName): .usage
                case .trust, .otherMesh, .notAnIssuer: .refused
                case .inUse, .system: .system
                case .invalid: .usage
                default: .configuration
                }
            self.init(status, "\(error)")
        case let error as EngineError:
            var status = ExitStatus.data
            switch error {
            case .file(_, .io), .file(_, .notARegularFile): status = .noInput
            case .emptyPrompt, .promptTooLong, .tokenOutOfRange, .invalidRequest:
                status = .usage
            case .notEnoughMemory: status = .system
            case .queueFull: status = .temporary
            default: break
            }
            self.init(status, "\(error)")
        case let error as GGUFError:
            if error.isUnreadable {
                self.init(.noInput, "\(error)")
            } else {
                self.init(.data, "\(error)")
            }
        case let error as KernelError: self.init(.usage, "\(error)")
        case let error as ModelError: self.init(.data, "\(error)")
        case let error as ModelStore.LoadError:
            self.init(error.isAboutMemory ? .system : .data, "\(error)")
        case TrustError.badName(let why): self.init(.usage, why)
        case let error as TrustError: self.init(.refused, "\(error)")
        case let error as Joining.Failure:
            let status: ExitStatus =
                switch error {
                case .expired, .refused, .notRecognised: .refused
                case .unreachable: .unavailable
                case .interrupted: .temporary
                case .clock: .configuration
                }
            self.init(status, "\(error)")
        case let error as NodeHTTPError:
            switch error {
            case .addressInUse, .addressNotAvailable, .permissionDenied:
                self.init(.system, "\(error): by --http-port or --http-host, or in config.json")
            case .cannotListen, .stopped: self.init(.system, "\(error)")
            }
        case let error as LinkError:
            switch error {
            case .cannotListen:
                self.init(
                    .system,
                    "\(error): choose another place for peers, by --peer-port or --peer-host, or "
                        + "in config.json of the node's directory")
            default: self.init(.unavailable, "\(error)")
            }
        default: return nil
        }
    }
}

extension GGUFError {
    /// Whether the file could not be read at all, rather than being wrong.
    fileprivate var isUnreadable: Bool {
        switch self {
        case .io, .notARegularFile: true
        default: false
        }
    }
}
