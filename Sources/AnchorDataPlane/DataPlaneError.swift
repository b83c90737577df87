import BPFKit
import NetworkTypes

/// Why an operation on the tables failed. The tables are as they were before it.
public enum DataPlaneError: Error, Sendable {
    /// The kernel or libbpf refused.
    case bpf(BPFError)
    /// Table and spill map are full.
    case tableFull(table: String, capacity: Int)
    /// All paths are in use.
    case pathsExhausted(limit: Int)
    case invalid(String)
    /// Pinned maps of another version or size are in the way.
    case incompatible(String)
    /// Another daemon has these tables open.
    case inUse(path: String)
    case unsupportedProcessor(String)
}

extension DataPlaneError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .bpf(let error): error.description
        case .tableFull(let table, let capacity):
            "table \(table) is full (\(capacity) slots and its spill map); raise its size in the configuration"
        case .pathsExhausted(let limit):
            "all \(limit) paths are in use; fewer different next hops, tunnel endpoints or path MTUs are needed"
        case .invalid(let text): text
        case .incompatible(let text): text
        case .inUse(let path):
            "\(path) is in use by another daemon; stop it first, or choose another instance name"
        case .unsupportedProcessor(let name):
            "the shared tables are proven on x86-64 only; this processor is \(name)"
        }
    }
}
