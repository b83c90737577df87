import CBPF
import Glibc

/// Whether this process may use BPF.
public enum Privileges {
    /// `nil` if bpf(2) is permitted; otherwise the error that says what is missing.
    public static func missing() -> BPFError? {
        let descriptor = bpf_map_create(BPF_MAP_TYPE_ARRAY, "fa_probe", 4, 4, 1, nil)
        guard descriptor < 0 else {
            close(descriptor)
            return nil
        }
        return BPFError("create", "a BPF map", code: errno)
    }

    static func nextStep(for code: Int32) -> String? {
        switch code {
        case EPERM:
            let bpf = hasCapability(39)
            let admin = hasCapability(12)
            if bpf && admin { return "the kernel forbids it (lockdown, seccomp or a container's limits)" }
            return "run as root, or with the capabilities"
                + (bpf ? "" : " CAP_BPF") + (admin ? "" : " CAP_NET_ADMIN")
        case ENOSYS: return "this kernel was built without BPF"
        default: return nil
        }
    }

    /// Of the effective set of this process.
    private static func hasCapability(_ number: UInt64) -> Bool {
        guard let file = fopen("/proc/self/status", "r") else { return false }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard text.hasPrefix("CapEff:") else { continue }
            let digits = text.dropFirst(7).filter(\.isHexDigit)
            return (UInt64(digits, radix: 16) ?? 0) >> number & 1 == 1
        }
        return false
    }
}
