package s3

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConfig(t *testing.T) {
	env := func(m map[string]string) func(string) string { return func(k string) string { return m[k] } }
	for _, tc := range []struct {
		name string
		keys Keys
		env  map[string]string
		want Config
	}{
		{"nothing", nil, nil, Config{Endpoint: "s3.amazonaws.com", Secure: true}},
		{
			"keys",
			Keys{"spark.hadoop.fs.s3a.endpoint": "http://h:9000", "fs.s3a.access.key": "a", "fs.s3a.secret.key": "s", "fs.s3a.session.token": "t"},
			map[string]string{"AWS_ACCESS_KEY_ID": "other"},
			Config{Endpoint: "h:9000", PathStyle: true, Region: "us-east-1", AccessKey: "a", SecretKey: "s", SessionToken: "t"},
		},
		{
			"environment", nil,
			map[string]string{"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "AWS_ENDPOINT_URL": "https://h", "AWS_REGION": "eu"},
			Config{Endpoint: "h", PathStyle: true, Secure: true, Region: "eu", AccessKey: "a", SecretKey: "s"},
		},
		{"no ssl", Keys{"fs.s3a.endpoint": "h:80", "fs.s3a.connection.ssl.enabled": "false", "fs.s3a.path.style.access": "false"}, nil, Config{Endpoint: "h:80", Region: "us-east-1"}},
		{
			"per bucket",
			Keys{"fs.s3a.access.key": "a", "fs.s3a.bucket.b.access.key": "B", "fs.s3a.secret.key": "s"},
			nil,
			Config{Endpoint: "s3.amazonaws.com", Secure: true, AccessKey: "B", SecretKey: "s"},
		},
		{
			"anonymous",
			Keys{"fs.s3a.aws.credentials.provider": "org.apache.hadoop.fs.s3a.AnonymousAWSCredentialsProvider"},
			nil,
			Config{Endpoint: "s3.amazonaws.com", Secure: true, Anonymous: true},
		},
	} {
		got, err := tc.keys.config("b", env(tc.env))
		require.NoError(t, err)
		require.Equal(t, tc.want, got, tc.name)
	}
}
