/// A queue of which the front is taken and the back is added to, both in constant time on average.
struct FirstInFirstOut<Element: Sendable>: Sendable {
    private var elements: [Element?] = []
    private var head = 0

    var isEmpty: Bool { head == elements.count }
    var count: Int { elements.count - head }
    var first: Element? { head < elements.count ? elements[head] : nil }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func popFirst() -> Element? {
        guard head < elements.count else { return nil }
        let element = elements[head]
        elements[head] = nil
        head += 1
        if head == elements.count {
            elements.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 1024, head * 2 > elements.count {
            elements.removeFirst(head)
            head = 0
        }
        return element
    }

    /// Takes out all that satisfy the condition, in their order.
    mutating func extract(where condition: (Element) -> Bool) -> [Element] {
        let waiting = elements[head...].compactMap { $0 }
        elements = waiting.filter { !condition($0) }
        head = 0
        return waiting.filter(condition)
    }

    func forEach(_ body: (Element) -> Void) {
        for index in head..<elements.count { body(elements[index]!) }
    }
}
