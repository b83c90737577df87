import Foundation
import PackagePlugin

/// The compiler for BPF programs.
enum Compiler {
    /// The Swift toolchain's clang, which has a BPF target; where a toolchain was built without it,
    /// the first clang in `PATH` that has one; otherwise `nil`.
    static func find(_ context: PluginContext) -> URL? {
        let toolchain = (try? context.tool(named: "clang")).map { [$0.url] } ?? []
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        let others = path.split(separator: ":").map { URL(filePath: String($0)).appending(path: "clang") }
        return (toolchain + others).first(where: hasBPFTarget)
    }

    private static func hasBPFTarget(_ compiler: URL) -> Bool {
        guard FileManager.default.isExecutableFile(atPath: compiler.path) else { return false }
        let process = Process()
        let output = Pipe()
        process.executableURL = compiler
        process.arguments = ["-print-targets"]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return process.terminationStatus == 0
            && String(decoding: text, as: UTF8.self).split(separator: "\n").contains {
                $0.split(separator: " ").first == "bpf"
            }
    }
}
