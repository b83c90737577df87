import Foundation

/// Reads the keys of one table and collects what is wrong with them. A value that cannot be used is
/// replaced by a harmless one, so that reading goes on and finds the next mistake.
final class TableReader {
    let path: String
    let collector: ProblemCollector
    private let entries: [String: ConfigurationValue]
    private var known: Set<String> = []

    init(_ entries: [String: ConfigurationValue], path: String, collector: ProblemCollector) {
        self.entries = entries
        self.path = path
        self.collector = collector
    }

    func has(_ key: String) -> Bool {
        known.insert(key)
        return entries[key] != nil
    }

    func problem(_ key: String, _ message: String) {
        collector.add(key.isEmpty ? path : SourceIndex.join(path, key), message)
    }

    /// Call at the end: names the keys that nobody asked for.
    func finish() {
        for key in entries.keys.sorted() where !known.contains(key) {
            let meant = NearestName.of(key, among: known).map { "; did you mean '\($0)'?" }
            problem(key, "unknown key" + (meant ?? ", known here: \(known.sorted().joined(separator: ", "))"))
        }
    }

    // MARK: Scalars

    func string(_ key: String) -> String? {
        switch value(key) {
        case .string(let text): return text
        case let other?: return refuse(key, other, "a string")
        case nil: return nil
        }
    }

    func boolean(_ key: String) -> Bool? {
        switch value(key) {
        case .boolean(let flag): return flag
        case let other?: return refuse(key, other, "true or false")
        case nil: return nil
        }
    }

    func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
        switch value(key) {
        case .integer(let number):
            if range.contains(number) { return number }
            problem(key, "\(number) is out of range, \(range.lowerBound) to \(range.upperBound)")
            return nil
        case let other?: return refuse(key, other, "an integer")
        case nil: return nil
        }
    }

    /// A length of time, given in seconds, possibly with a fraction.
    func seconds(_ key: String, in range: ClosedRange<Double>) -> Double? {
        let number: Double
        switch value(key) {
        case .integer(let whole): number = Double(whole)
        case .number(let fraction): number = fraction
        case let other?: return refuse(key, other, "a number of seconds")
        case nil: return nil
        }
        if range.contains(number) { return number }
        problem(key, "\(number) seconds is out of range, \(range.lowerBound) to \(range.upperBound)")
        return nil
    }

    /// One of some words.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String, _: Choice.Type = Choice.self
    ) -> Choice? where Choice.RawValue == String {
        guard let text = string(key) else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        let words = Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
        problem(key, "\"\(text)\" is none of \(words)")
        return nil
    }

    /// A string that is read by `parse`.
    func parsed<Value>(_ key: String, as wanted: String, _ parse: (String) -> Value?) -> Value? {
        guard let text = string(key) else { return nil }
        if let value = parse(text) { return value }
        problem(key, "\"\(text)\" is not \(wanted)")
        return nil
    }

    // MARK: Lists and tables

    /// A list of strings; a single string stands for a list of one.
    func list<Value>(_ key: String, of wanted: String, _ parse: (String) -> Value?) -> [Value]? {
        let elements: [ConfigurationValue]
        switch value(key) {
        case .array(let array): elements = array
        case .string(let text): elements = [.string(text)]
        case let other?: return refuse(key, other, "a list of strings")
        case nil: return nil
        }
        return elements.enumerated().compactMap { index, element in
            guard case .string(let text) = element else {
                problem("\(key)[\(index)]", "expected a string, found \(element.kind)")
                return nil
            }
            if let value = parse(text) { return value }
            problem("\(key)[\(index)]", "\"\(text)\" is not \(wanted)")
            return nil
        }
    }

    func table(_ key: String) -> TableReader? {
        switch value(key) {
        case .table(let entries):
            return TableReader(entries, path: SourceIndex.join(path, key), collector: collector)
        case let other?: return refuse(key, other, "a table [\(SourceIndex.join(path, key))]")
        case nil: return nil
        }
    }

    func tables(_ key: String) -> [TableReader] {
        let wanted = "tables [[\(SourceIndex.join(path, key))]]"
        let elements: [ConfigurationValue]
        switch value(key) {
        case .array(let array): elements = array
        case let other?:
            let nothing: [TableReader]? = refuse(key, other, wanted)
            return nothing ?? []
        case nil: return []
        }
        return elements.enumerated().compactMap { index, element in
            let place = "\(SourceIndex.join(path, key))[\(index)]"
            guard case .table(let entries) = element else {
                collector.add(place, "expected \(wanted), found \(element.kind)")
                return nil
            }
            return TableReader(entries, path: place, collector: collector)
        }
    }

    /// Reports that a key is missing.
    func required<Value>(_ key: String, _ value: Value?, _ hint: String) -> Value? {
        if value == nil, entries[key] == nil { problem("", "\(key) is missing: \(hint)") }
        return value
    }

    private func value(_ key: String) -> ConfigurationValue? {
        known.insert(key)
        return entries[key]
    }

    private func refuse<Value>(_ key: String, _ found: ConfigurationValue, _ wanted: String) -> Value? {
        problem(key, "expected \(wanted), found \(found.kind)")
        return nil
    }
}

/// The mistakes found so far.
final class ProblemCollector {
    private let index: SourceIndex
    private(set) var problems: [ConfigurationProblem] = []

    init(_ index: SourceIndex) { self.index = index }

    func add(_ key: String, _ message: String) {
        problems.append(ConfigurationProblem(line: index.line(of: key), key: key, message: message))
    }
}
