import NetworkTypes

extension OptionView {
    /// Adds a tunnel endpoint; a second one of its family is refused.
    func endpoint(into endpoints: inout [IPAddress]) throws(MessageError) {
        let address = try hostAddress()
        guard !endpoints.contains(where: { $0.family == address.family }) else { throw .duplicateOption(type: type) }
        endpoints.append(address)
    }

    /// Adds to a list that holds `limit` values at most.
    func append<T>(_ value: T, to values: inout [T], limit: Int) throws(MessageError) {
        guard values.count < limit else { throw .tooManyOptions(type: type, limit: limit) }
        values.append(value)
    }
}

extension MessageWriter {
    mutating func endpoints(_ endpoints: [IPAddress]) {
        precondition(
            endpoints.count < 2 || endpoints.count == 2 && endpoints[0].family != endpoints[1].family,
            "at most one tunnel endpoint a family")
        for endpoint in endpoints { option(OptionType.endpoint, address: endpoint) }
    }
}
