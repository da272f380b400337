<%@ include file="/WEB-INF/include/site.jspf" %><%
  // An address that always fails, to see what a failure looks like.
  allowMethods(request, response, "GET");
  if (content(application) != null) throw new IllegalStateException("this page always fails");
%>
