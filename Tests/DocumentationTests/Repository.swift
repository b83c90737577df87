import Foundation

/// The files of the repository as text.
enum Repository {
    static let root = URL(filePath: #filePath).resolvingSymlinksInPath().appending(path: "../../..").standardized

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    static func article(_ name: String) throws -> String { try text("Documentation/FlowAnchor.docc/\(name).md") }

    /// Paths of all files below a folder that end so.
    static func files(under folder: String, ending: String) throws -> [String] {
        let paths = try FileManager.default.subpathsOfDirectory(atPath: root.appending(path: folder).path)
        return paths.filter { $0.hasSuffix(ending) }.map { "\(folder)/\($0)" }
    }
}
