/// Why the lab could not do what it was asked to.
public enum LabError: Error, CustomStringConvertible, Equatable {
    case cannotStart(_ command: String, _ cause: String)
    case commandFailed(_ command: String, _ cause: String)
    case processEnded(_ name: String, _ cause: String)
    case timedOut(_ what: String)
    case file(_ path: String, _ cause: String)
    case unknownScenario(_ name: String, known: [String])
    case noSuchLab(_ id: String, known: [String])
    case unknownName(_ kind: String, _ name: String, known: [String])
    case missingTools(_ tools: [String])
    case notPermitted(_ cause: String)
    case badNotation(_ text: String, _ cause: String)

    public var description: String {
        switch self {
        case .cannotStart(let command, let cause): "cannot start `\(command)`: \(cause)"
        case .commandFailed(let command, let cause): "`\(command)` failed: \(cause)"
        case .processEnded(let name, let cause): "\(name) ended \(cause)"
        case .timedOut(let what): "waited in vain for \(what)"
        case .file(let path, let cause): "\(path): \(cause)"
        case .unknownScenario(let name, let known):
            "there is no scenario \(name); there are \(known.joined(separator: ", "))"
        case .noSuchLab(let id, let known):
            known.isEmpty
                ? "there is no lab \(id); start one with `anchorctl lab up`"
                : "there is no lab \(id); running: \(known.joined(separator: ", "))"
        case .unknownName(let kind, let name, let known):
            "there is no \(kind) \(name) in this lab; there are \(known.joined(separator: ", "))"
        case .missingTools(let tools):
            "missing on this machine: \(tools.joined(separator: ", ")); `Scripts/setup` installs them"
        case .notPermitted(let cause): cause
        case .badNotation(let text, let cause): "header stack `\(text)`: \(cause)"
        }
    }
}
