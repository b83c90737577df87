import Foundation

/// The headers that BPF programs need of the system: the kernel's and libbpf's.
struct SystemHeaders {
    /// Where Debian and its relatives keep `asm/types.h` and its like: `/usr/include/<multiarch>`.
    let multiarch: URL

    init() {
        #if arch(arm64)
            let triple = "aarch64-linux-gnu"
        #else
            let triple = "x86_64-linux-gnu"
        #endif
        multiarch = URL(filePath: "/usr/include/" + triple)
    }

    /// One sentence for each package that isn't installed, naming it.
    var missing: [String] {
        var problems: [String] = []
        if !exists("/usr/include/bpf/bpf_helpers.h") {
            problems.append("bpf/bpf_helpers.h is missing; install it with: apt-get install libbpf-dev")
        }
        if !exists("/usr/include/linux/bpf.h")
            || !(exists(multiarch.path + "/asm/types.h") || exists("/usr/include/asm/types.h"))
        {
            problems.append("the kernel's headers are missing; install them with: apt-get install linux-libc-dev")
        }
        return problems
    }

    private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
}
