import Glibc
import Netlink
import Testing

/// Whether tests may make network namespaces here. Under CI that is required: they then run, and fail.
public enum Namespaces {
    static let arePermitted: Bool = {
        if (try? NetworkNamespace.anonymous()) != nil { return true }
        guard let ci = getenv("CI").map({ String(cString: $0) }), ci == "true" else {
            let words = "*** Tests in network namespaces are SKIPPED: run them as root ***\n"
            write(STDERR_FILENO, words, words.utf8.count)
            return false
        }
        return true
    }()
}

extension Trait where Self == ConditionTrait {
    /// Skips a suite, loudly, where network namespaces cannot be made.
    public static var inNamespaces: Self {
        .enabled(if: Namespaces.arePermitted, "needs CAP_SYS_ADMIN and CAP_NET_ADMIN")
    }
}
