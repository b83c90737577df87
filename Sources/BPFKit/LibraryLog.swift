import CBPF
import Glibc
import Synchronization

/// What libbpf prints, kept for the error that it belongs to rather than written to the terminal.
enum LibraryLog {
    /// One call at a time, since libbpf has one printing function for the whole process.
    private static let gate = Mutex<Void>(())
    private static let text = Mutex<String>("")
    /// The verifier may say megabytes; its last words are the ones that matter.
    private static let limit = 16 * 1024

    private static let installed: Void = {
        _ = libbpf_set_print { level, format, arguments in
            guard level != LIBBPF_DEBUG, let format, let arguments else { return 0 }
            LibraryLog.append(format, arguments)
            return 0
        }
    }()

    /// Runs `body` and returns what libbpf said meanwhile.
    static func capture<Result>(_ body: () -> Result) -> (result: Result, log: String) {
        _ = installed
        return gate.withLock { _ in
            text.withLock { $0 = "" }
            let result = body()
            return (result, text.withLock { $0.trimmed() })
        }
    }

    private static func append(_ format: UnsafePointer<CChar>, _ arguments: CVaListPointer) {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: limit) { buffer in
            let length = Int(vsnprintf(buffer.baseAddress!, buffer.count, format, arguments))
            guard length > 0 else { return }
            let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<min(length, limit - 1)])
            text.withLock { $0 = String(($0 + String(decoding: bytes, as: UTF8.self)).suffix(limit)) }
        }
    }
}

extension String {
    fileprivate func trimmed() -> String {
        var text = self[...]
        while text.last?.isNewline == true { text.removeLast() }
        return String(text)
    }
}
