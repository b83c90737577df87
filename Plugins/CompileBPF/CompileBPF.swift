import Foundation
import PackagePlugin

/// Compiles the BPF programs of `BPF/`, so that a plain `swift build` makes all of FlowAnchor. The
/// objects become resources of the target that uses this plugin.
@main
struct CompileBPF: BuildToolPlugin {
    /// Folders under `BPF/` that hold programs. Each `name.bpf.c` becomes `name.bpf.o`.
    static let programFolders = ["", "bench", "tests"]
    /// Folders under `BPF/` that programs include from.
    static let headerFolders = ["include", "abi/include"]

    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        let root = context.package.directoryURL.appending(path: "BPF", directoryHint: .isDirectory)
            .resolvingSymlinksInPath()
        let system = SystemHeaders()
        let missing = system.missing
        guard missing.isEmpty else {
            for problem in missing { Diagnostics.error(problem) }
            return []
        }
        guard let compiler = Compiler.find(context) else {
            Diagnostics.error("no clang with a BPF target was found; install one with: apt-get install clang")
            return []
        }
        let headers = Self.headerFolders.flatMap { files(in: root.appending(path: $0), suffix: ".h") }
        return Self.programFolders.flatMap { folder -> [Command] in
            let directory = folder.isEmpty ? root : root.appending(path: folder)
            let local = folder.isEmpty ? [] : files(in: directory, suffix: ".h")
            return files(in: directory, suffix: ".bpf.c").map { source in
                command(
                    compile: source, with: compiler, root: root, system: system, headers: headers + local,
                    into: context.pluginWorkDirectoryURL.appending(path: folder.isEmpty ? "programs" : folder))
            }
        }
    }

    private func command(
        compile source: URL, with compiler: URL, root: URL, system: SystemHeaders, headers: [URL], into folder: URL
    ) -> Command {
        let name = source.deletingPathExtension().lastPathComponent
        let object = folder.appending(path: name + ".o")
        let includes = Self.headerFolders.flatMap { ["-I", root.appending(path: $0).path] }
        return .buildCommand(
            displayName: "Compiling BPF \(source.lastPathComponent)",
            executable: compiler,
            arguments: ["-target", "bpf", "-mcpu=v3", "-O2", "-g", "-std=gnu11", "-Wall", "-Werror"]
                // Paths in the debug information are the same wherever the package was cloned to.
                + ["-ffile-prefix-map=\(root.path)=BPF"]
                + includes + ["-idirafter", system.multiarch.path]
                + ["-c", source.path, "-o", object.path],
            inputFiles: [source] + headers,
            outputFiles: [object])
    }

    private func files(in folder: URL, suffix: String) -> [URL] {
        let found = try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        return (found ?? []).filter { $0.lastPathComponent.hasSuffix(suffix) }.sorted { $0.path < $1.path }
    }
}
