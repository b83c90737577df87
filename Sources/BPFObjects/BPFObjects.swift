import Foundation

/// Where the compiled BPF programs of this package are.
public enum BPFObjects {
    /// The object file of a program: `path(of: "access_router")` for `BPF/access_router.bpf.c`.
    ///
    /// Looked for in this order: the folder in the environment variable `FLOWANCHOR_BPF`; the
    /// resources that `swift build` leaves next to the running executable; `lib/flowanchor` under the
    /// prefix in whose `bin`, `sbin` or `libexec` the executable is installed.
    /// - Throws: ``BPFObjectNotFound``, which names each folder that was searched.
    public static func path(of program: String) throws(BPFObjectNotFound) -> String {
        let file = program + ".bpf.o"
        let folders = searchPath()
        for folder in folders where FileManager.default.fileExists(atPath: folder + "/" + file) {
            return folder + "/" + file
        }
        throw BPFObjectNotFound(file: file, searched: folders)
    }

    /// The folders in which objects are looked for, in order.
    /// - Parameters:
    ///   - executable: path of the running executable, with symbolic links resolved.
    ///   - environment: of the process.
    static func searchPath(
        executable: String = currentExecutable(),
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> [String] {
        let folder = (executable as NSString).deletingLastPathComponent
        let prefix = (folder as NSString).deletingLastPathComponent
        let override = environment["FLOWANCHOR_BPF"].map { [$0] } ?? []
        return override + [folder + "/FlowAnchor_BPFObjects.resources", prefix + "/lib/flowanchor"]
    }

    private static func currentExecutable() -> String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    }
}

/// No compiled program of that name exists.
public struct BPFObjectNotFound: Error, CustomStringConvertible, Equatable {
    public let file: String
    public let searched: [String]

    public var description: String {
        "BPF object \(file) was not found in \(searched.joined(separator: ", ")); "
            + "build it with 'swift build', install it to <prefix>/lib/flowanchor, or set FLOWANCHOR_BPF to its folder"
    }
}
