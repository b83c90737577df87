import Glibc

/// A call into libbpf or the kernel's BPF subsystem that failed.
public struct BPFError: Error, Sendable, Hashable {
    /// What was tried: "load programs".
    public let operation: String
    /// Of what: a file, a map, an interface.
    public let object: String
    /// As in `errno.h`, positive.
    public let code: Int32
    /// What libbpf said meanwhile, with the verifier's output where there is any.
    public let log: String
    /// What to do about it, where that is known.
    public let nextStep: String?

    public init(_ operation: String, _ object: String, code: Int32, log: String = "", nextStep: String? = nil) {
        self.operation = operation
        self.object = object
        self.code = abs(code)
        self.log = log
        self.nextStep = nextStep ?? Privileges.nextStep(for: abs(code))
    }
}

extension BPFError: CustomStringConvertible {
    public var description: String {
        let reason = code == 0 ? "" : ": \(String(cString: strerror(code))) (errno \(code))"
        let step = nextStep.map { "; \($0)" } ?? ""
        return "can't \(operation) \(object)\(reason)\(step)" + (log.isEmpty ? "" : "\n\(log)")
    }
}
