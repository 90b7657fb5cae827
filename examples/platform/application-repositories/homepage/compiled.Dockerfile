# The last stage of the Dockerfile, for where the program is compiled already:
#   CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o homepage .

FROM scratch
COPY homepage /homepage
USER 65534
EXPOSE 8080
ENTRYPOINT ["/homepage"]
