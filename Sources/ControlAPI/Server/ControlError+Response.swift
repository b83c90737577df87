import FlyingFox
import Foundation

extension ControlError {
    /// Problem details (RFC 9457), with what to do next as an extension member.
    struct Problem: Codable {
        var type: String
        var title: String
        var status: Int
        var detail: String
        var nextStep: String?
    }

    var response: HTTPResponse {
        let problem = Problem(
            type: "about:blank", title: kind.rawValue, status: statusCode.code, detail: detail, nextStep: nextStep)
        return HTTPResponse(
            statusCode: statusCode, headers: [.contentType: "application/problem+json"],
            body: (try? JSONEncoder.control.encode(problem)) ?? Data())
    }

    private var statusCode: HTTPStatusCode {
        switch kind {
        case .invalid: .badRequest
        case .notFound: .notFound
        case .conflict: .conflict
        case .forbidden: .forbidden
        case .unavailable, .unreachable: .serviceUnavailable
        case .failure: .internalServerError
        }
    }
}

extension HTTPResponse {
    static func json(_ model: some Encodable) throws -> HTTPResponse {
        HTTPResponse(
            statusCode: .ok, headers: [.contentType: "application/json"], body: try JSONEncoder.control.encode(model))
    }
}

extension JSONEncoder {
    /// Keys in order, so that equal answers are equal text.
    public static var control: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}
