import ControlAPI
import Foundation

/// Names of the servers that an operator took out of service; they last until an operator puts them back. Names that
/// the configuration doesn't know now are kept: a server that is left out for a while comes back as it was.
struct ServerMarks {
    private let path: String
    private(set) var down: Set<String> = []

    /// - Parameter path: of a JSON list of names; there need not be a file.
    /// - Throws: ``DaemonError`` for a file that holds something else. To start without could put a broken server back.
    init(path: String) throws(DaemonError) {
        self.path = path
        guard let bytes = try StateFile.read(path) else { return }
        do {
            down = Set(try JSONDecoder().decode([String].self, from: Data(bytes)))
        } catch let error as DecodingError {
            throw .storage(
                "\(path) is no JSON list of servers' names (\(error.summary)); "
                    + "correct it, such as [\"firewall\"], or remove it to start with all servers in service")
        } catch {
            throw .storage("\(path) can't be understood: \(error)")
        }
    }

    /// Stored before it counts.
    /// - Returns: whether it was otherwise before.
    mutating func set(_ name: String, isDown: Bool) throws(DaemonError) -> Bool {
        var changed = down
        if isDown { changed.insert(name) } else { changed.remove(name) }
        guard changed != down else { return false }
        guard let data = try? JSONEncoder.control.encode(changed.sorted()) else {
            throw .storage("can't encode \(path)")
        }
        try StateFile.write(Array(data), to: path)
        down = changed
        return true
    }
}
