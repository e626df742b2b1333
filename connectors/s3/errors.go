package s3

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/minio/minio-go/v7"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// wrap gives the store's answer its kind and says which option to check.
func wrap(op string, p place, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return errs.E(errs.Canceled, op, err)
	}
	r, isAnswer := errors.AsType[minio.ErrorResponse](err)
	if !isAnswer {
		return refused(errs.Unavailable, op, p, "the object store does not answer ("+err.Error()+"); check fs.s3a.endpoint and fs.s3a.connection.ssl.enabled")
	}
	switch r.Code {
	case "InvalidBucketName", "XMinioInvalidObjectName", "KeyTooLongError":
		return refused(errs.Invalid, op, p, r.Message)
	case "NoSuchKey", "NoSuchUpload", "NotFound":
		return errs.Errorf(errs.NotFound, op, "%s: no such object", p.path)
	case "NoSuchBucket": // not errs.NotFound: no path of the bucket can be meant, so a missing file is no answer
		return refused(errs.Invalid, op, p, "there is no bucket named "+p.bucket+"; check the path and fs.s3a.endpoint")
	case "PreconditionFailed", "InvalidRange":
		return changed(op, p)
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "AuthorizationHeaderMalformed", "XAdminUserNotFound", "NoSuchUser":
		return refused(errs.Permission, op, p, "the store does not accept the credentials ("+r.Code+"); check fs.s3a.access.key, fs.s3a.secret.key and fs.s3a.session.token")
	}
	return byStatus(op, p, r)
}

func byStatus(op string, p place, r minio.ErrorResponse) error {
	switch s := r.StatusCode; {
	case s == http.StatusNotFound && (r.Code == "" || strings.HasPrefix(r.Code, "NoSuch")):
		return errs.Errorf(errs.NotFound, op, "%s: no such object", p.path)
	case s == http.StatusForbidden, s == http.StatusUnauthorized, r.Code == "AccessDenied":
		return refused(errs.Permission, op, p, "access to the key "+p.key+" of the bucket "+p.bucket+" was refused ("+r.Code+
			"); check fs.s3a.access.key, fs.s3a.secret.key and the bucket's policy")
	case s == http.StatusPreconditionFailed, s == http.StatusRequestedRangeNotSatisfiable:
		return changed(op, p)
	case s >= http.StatusInternalServerError, s == http.StatusTooManyRequests, s == http.StatusRequestTimeout, r.Code == "SlowDown":
		return refused(errs.Unavailable, op, p, "the object store answers "+http.StatusText(s)+" "+r.Code)
	}
	return refused(errs.Other, op, p, r.Code+": "+r.Message)
}

func changed(op string, p place) error {
	return errs.Errorf(errs.Conflict, op, "%s changed after it was planned; run the query again", p.path)
}

// isWrite tells the operations whose failures are a writer's.
func isWrite(op string) bool {
	switch op {
	case "s3.Create", "s3.Write", "s3.Prepare", "s3.Commit", "s3.Finish", "s3.Abort", "s3.Sweep", "s3.Remove":
		return true
	}
	return false
}

// refused is a failure under the name that Spark gives failed reads and writes.
func refused(kind errs.Kind, op string, p place, why string) error {
	class, state := "FAILED_READ_FILE.NO_HINT", "KD001"
	if isWrite(op) {
		class, state = "TASK_WRITE_FAILED", "58030"
	}
	return errs.E(kind, op, errs.Cond(errs.Spark, class, state, p.path+": "+why+".", "path", p.path))
}
