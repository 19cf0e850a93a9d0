package fbroute

var codeClasses = map[string]string{
	"QUOTA_EXCEEDED":        "quota",
	"QuotaExceeded":         "quota",
	"InsufficientStorage":   "quota",
	"RequestTimeTooSkewed":  "clock",
	"AccessDenied":          "auth",
	"InvalidAccessKeyId":    "auth",
	"SignatureDoesNotMatch": "auth",
	"AuthenticationFailed":  "auth",
	// Azure Blob and the JSON API of GCS, of a key without the right to do this
	"AuthorizationFailure":            "auth",
	"AuthorizationPermissionMismatch": "auth",
	"InsufficientAccountPermissions":  "auth",
	"forbidden":                       "auth",
	"SlowDown":                        "throttle",
	"ServerBusy":                      "throttle",
	"TooManyRequests":                 "throttle",
	// S3 sends this with status 400 when a body did not arrive in time
	"RequestTimeout": "transient",
}

var statusClasses = map[int]string{507: "quota", 401: "auth", 429: "throttle", 408: "transient", 403: "quota_suspect"}

// classify is the class of an answer that is no success, by (status, code), never by the text of a message; status 0 is
// no answer at all. A code says more than a status: a 429 with the code QUOTA_EXCEEDED is quota.
func classify(status int, code string) string {
	if class := codeClasses[code]; class != "" {
		return class
	}
	if class := statusClasses[status]; class != "" {
		return class
	}
	if status == 0 || status >= 500 {
		return "transient"
	}
	return "request"
}

// saysExists tells whether a write-once put was refused because the key is there: S3 and GCS say 412, Blob 409 with a
// code.
func saysExists(status int, code string) bool {
	return status == 412 || code == "PreconditionFailed" || code == "BlobAlreadyExists" || code == "conditionNotMet"
}
