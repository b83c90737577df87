import BPFKit
import Foundation

/// Checks of the machine as a whole.
struct MachineChecks {
    /// XDP programs on packets of several buffers came with 5.18.
    private static let oldestKernel = (5, 18)

    var findings: [Finding] {
        [processor, kernel, permission, compiler, typeInformation, fileSystem, forwarding(4), forwarding(6)]
    }

    private var processor: Finding {
        var name = utsname()
        uname(&name)
        let machine = text(name.machine)
        return machine == "x86_64"
            ? .passed("processor", machine)
            : .failed(
                "processor", "\(machine): the shared tables are proven on x86-64 only", mend: "use an x86-64 machine")
    }

    private var kernel: Finding {
        var name = utsname()
        uname(&name)
        let release = text(name.release)
        let parts = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        guard parts.count == 2, (parts[0], parts[1]) >= Self.oldestKernel else {
            return .failed("kernel", "\(release) is older than 5.18", mend: "apt-get install linux-image-amd64, reboot")
        }
        return .passed("kernel", release)
    }

    private var permission: Finding {
        guard let missing = Privileges.missing() else { return .passed("bpf(2)", "permitted") }
        return .failed("bpf(2)", "\(missing)", mend: "sudo anchorctl doctor")
    }

    private var compiler: Finding {
        switch read("/proc/sys/net/core/bpf_jit_enable") {
        case "1", "2": .passed("BPF JIT", "on")
        case "0": .failed("BPF JIT", "off: programs are interpreted", mend: "sysctl -w net.core.bpf_jit_enable=1")
        default: .passed("BPF JIT", "not a setting of this kernel")
        }
    }

    private var typeInformation: Finding {
        FileManager.default.fileExists(atPath: "/sys/kernel/btf/vmlinux")
            ? .passed("kernel BTF", "/sys/kernel/btf/vmlinux")
            : .failed(
                "kernel BTF", "this kernel was built without CONFIG_DEBUG_INFO_BTF",
                mend: "apt-get install linux-image-amd64, reboot")
    }

    private var fileSystem: Finding {
        let mounts = (read("/proc/self/mounts") ?? "").split(separator: "\n").map { $0.split(separator: " ") }
        let isMounted = mounts.contains { $0.count > 2 && $0[1] == "/sys/fs/bpf" && $0[2] == "bpf" }
        return isMounted
            ? .passed("bpf file system", "/sys/fs/bpf")
            : .warning(
                "bpf file system", "not mounted on /sys/fs/bpf; the daemon mounts it when it starts as root",
                mend: "mount -t bpf bpf /sys/fs/bpf")
    }

    /// Packets whose next hop isn't known yet are left to the kernel, which forwards them only if it may.
    private func forwarding(_ family: Int) -> Finding {
        let key = family == 4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding"
        let path = "/proc/sys/" + key.replacing(".", with: "/")
        return read(path) == "1"
            ? .passed("forwarding of IPv\(family)", "on")
            : .warning(
                "forwarding of IPv\(family)", "off: an access router loses packets while it resolves a next hop",
                mend: "sysctl -w \(key)=1")
    }

    private func read(_ path: String) -> String? {
        (try? String(contentsOfFile: path, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func text<Tuple>(_ tuple: Tuple) -> String {
        withUnsafeBytes(of: tuple) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
